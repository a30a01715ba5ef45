// Figures of a profile as short texts.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "autograd/profile/profile.h"

namespace heed {

/// "12.3 M": the mean of a step; "?" when nothing is known of it.
std::string written_flops(const ProfileCost& cost, std::int64_t steps);
/// GFLOP/s: "48.6"; empty where there are none.
std::string written_speed(const ProfileCost& cost);
/// "12.3 %".
std::string written_share(double share);
/// "1,204", "2.5": the mean of a step.
std::string written_mean(std::int64_t count, std::int64_t steps);

/// Forward, backward and outside.
std::chrono::nanoseconds whole_time(const Profile& profile);
/// A part of that, in [0, 1].
double share_of_time(const Profile& profile, std::chrono::nanoseconds time);

}  // namespace heed
