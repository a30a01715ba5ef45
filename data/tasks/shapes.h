// Small images of digits and of shapes: what an image classifier learns from without a download.
#pragma once

#include <cstdint>

#include "core/random.h"
#include "data/images.h"

namespace heed::tasks {

/// How images of a class differ. Each is drawn independently and uniformly; 0 leaves it out.
struct ImageOptions {
  std::int64_t size = 28;   ///< H and W, at least 8
  double shift = 0.1;       ///< of the centre, in each direction at most this share of the size; at most 0.25
  double scale = 0.15;      ///< the drawing is 1 - scale ... 1 + scale of its usual size; at most 0.5
  double slant = 0.3;       ///< it leans by at most this much sideways for each pixel downwards; at most 0.5
  double thickness = 0.35;  ///< lines are 1 - thickness ... 1 + thickness of their usual width; at most 0.75
  double noise = 0.05;      ///< standard deviation of what is added to each pixel, which stays in [0, 1]
};

/// `count` images of the digits 0 ... 9, drawn with lines along the dots of a 5 x 7 font. The classes are "0"
/// ... "9"; their numbers of images differ by at most one, in random order. Edges are smooth: a pixel on one is
/// as grey as it is covered. Throws ConfigError unless count >= 1 and the options are as they say.
Images digits(std::int64_t count, Rng& rng, const ImageOptions& options = {});

/// The same with the shapes "disc", "ring", "square", "frame", "triangle" and "cross".
Images shapes(std::int64_t count, Rng& rng, const ImageOptions& options = {});

}  // namespace heed::tasks
