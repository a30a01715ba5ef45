// report.html: what a training run did, as one page that needs nothing else.
#pragma once

#include <string>
#include <vector>

#include "core/plot.h"

namespace heed::programs {

/// A name and its value as text: a setting, or a result.
struct Fact {
  std::string name{};
  std::string value{};
};

/// A figure with the drawing of some series: loss by step, exact match by epoch, gradient norm.
struct Curve {
  std::string title{};
  std::vector<Series> series{};
  LineChartOptions options{};  ///< its title is the one above when it has none
};

/// Figures in rows and columns. The first cell of a row names it, the others are numbers as text.
struct Table {
  std::string title{};
  std::string caption{};
  std::vector<std::string> columns{};
  std::vector<std::vector<std::string>> rows{};  ///< as many cells each as there are columns
};

/// Where a model looked while it wrote. The labels are the tokens as they stand along the map; `weights` is
/// [output_tokens, source_tokens], row by row.
struct AttentionMap {
  std::string title{};  ///< whose map it is, where there are several models
  std::string source{};
  std::string output{};
  std::string expected{};
  std::vector<std::string> source_tokens{};
  std::vector<std::string> output_tokens{};
  std::vector<double> weights{};
};

/// A drawing of numbers in rows and columns: which places of a memory were used when, say. `values` is
/// [row_labels, column_labels], row by row.
struct HeatMap {
  std::string title{};
  std::vector<std::string> row_labels{};
  std::vector<std::string> column_labels{};
  std::vector<double> values{};
  HeatMapOptions options{};  ///< its title is the one above when it has none
};

/// An example that the model got wrong, or a sample of what it writes.
struct Example {
  std::string source{};
  std::string expected{};
  std::string output{};
  double loss = 0;  ///< shown for mistakes only
};

/// The content of the page, in its order. An empty part is left out with its heading.
struct Report {
  std::string title{};
  std::string summary{};        ///< a sentence or two: what was trained and how it went
  std::vector<Fact> results{};  ///< the few numbers that matter, shown large
  std::vector<Curve> curves{};
  std::vector<Table> tables{};
  std::vector<AttentionMap> attention{};
  std::vector<HeatMap> maps{};
  std::vector<Example> mistakes{};  ///< worst first
  std::vector<Example> samples{};
  std::vector<Fact> configuration{};
};

/// The page: HTML that is well-formed XML too, with no script and no outside resource, light or dark as the
/// reader's system is, readable from 390 pixels of width on. All texts are escaped. Throws ShapeError when the
/// numbers of a map do not fit its labels, the cells of a row its columns, or the x and y of a series differ in
/// number.
std::string to_html(const Report& report);

}  // namespace heed::programs
