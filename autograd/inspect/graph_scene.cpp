#include "autograd/inspect/graph_scene.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "core/error.h"

namespace heed::drawing {
namespace {

constexpr std::size_t kMostParts = 60, kPartsOfCut = 40, kMostSteps = 12, kLongestStep = 512;

// An item before the scene is made of them.
struct Piece {
  Item item{};
  std::size_t call = kNone;  // of a module
  std::vector<Piece> parts{};
  std::size_t signature = 0;  // equal for what repeats
};

// ---- modules

struct Frame {
  std::string path;
  std::size_t call;
  std::string name;
};

// The modules around an operation, the outermost first.
std::vector<Frame> frames_of(const TracedOperation& operation, const Trace& trace) {
  std::vector<Frame> frames;
  std::string around;
  for (std::size_t call = operation.call; call != kNone; call = trace.calls()[call].outer) {
    const TracedCall& its = trace.calls()[call];
    const std::size_t outer = its.outer == kNone ? 0 : trace.calls()[its.outer].path.size() + 1;
    frames.push_back({its.path, call, its.path.substr(std::min(outer, its.path.size()))});
  }
  std::reverse(frames.begin(), frames.end());
  // Modules whose calls were not seen.
  std::size_t at = frames.empty() ? 0 : frames.back().path.size() + 1;
  while (at < operation.module.size()) {
    const std::size_t end = std::min(operation.module.find('.', at), operation.module.size());
    frames.push_back({operation.module.substr(0, end), kNone, operation.module.substr(at, end - at)});
    at = end + 1;
  }
  return frames;
}

// As it is drawn: of one of a numbered row with what the row is called, "encoder.0".
std::string name_of(const Frame& frame) {
  const bool is_number = frame.name.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number || frame.name.size() == frame.path.size()) return frame.name;
  const std::size_t dot = frame.path.size() - frame.name.size() - 1;
  const std::size_t before = frame.path.find_last_of('.', dot - 1);
  return frame.path.substr(before == std::string::npos ? 0 : before + 1);
}

class Signatures {
 public:
  std::size_t of(const std::string& text) { return numbers_.try_emplace(text, numbers_.size()).first->second; }

 private:
  std::map<std::string, std::size_t> numbers_;
};

// Operations in the modules whose calls they belong to, everything in order of time.
Piece modules_of(const Trace& trace) {
  Piece root;
  Signatures signatures;
  for (std::size_t i = 0; i < trace.operations().size(); ++i) {
    const TracedOperation& operation = trace.operations()[i];
    if (!operation.is_forward()) continue;
    Piece* around = &root;
    for (const Frame& frame : frames_of(operation, trace)) {
      const bool is_open = !around->parts.empty() && around->parts.back().item.kind == Item::Kind::module &&
                           around->parts.back().item.path == frame.path &&
                           around->parts.back().call == frame.call;
      if (!is_open) {
        Piece module{.item = {.name = name_of(frame), .path = frame.path},
                     .call = frame.call,
                     .signature = signatures.of("module " + frame.path)};
        around->parts.push_back(std::move(module));
      }
      around = &around->parts.back();
    }
    around->parts.push_back({.item = {.kind = Item::Kind::operation, .name = operation.name, .place = i},
                             .signature = signatures.of(text(operation.name, " ", operation.at))});
  }
  return root;
}

// ---- loops

// Parts [begin, begin + period * times) are the same ones again and again.
struct Repetition {
  std::size_t period = 0, times = 0;
  std::size_t parts() const { return period * times; }
};

Repetition longest_repetition(const std::vector<Piece>& parts, std::size_t begin) {
  Repetition best;
  const std::size_t left = parts.size() - begin;
  for (std::size_t period = 1; period <= std::min(left / 4, kLongestStep); ++period) {
    std::size_t same = 0;
    while (same + period < left && parts[begin + same].signature == parts[begin + same + period].signature)
      ++same;
    const Repetition found{period, same / period + 1};
    if (found.times >= 4 && found.parts() >= 8 && found.parts() > best.parts()) best = found;
  }
  return best;
}

Piece group(Item::Kind kind, std::string name, std::vector<Piece> parts, std::size_t repeats = 0) {
  return {.item = {.kind = kind, .name = std::move(name), .repeats = repeats}, .parts = std::move(parts)};
}

std::vector<Piece> taken(std::vector<Piece>& from, std::size_t begin, std::size_t count) {
  const auto first = from.begin() + static_cast<std::ptrdiff_t>(begin);
  return {std::make_move_iterator(first), std::make_move_iterator(first + static_cast<std::ptrdiff_t>(count))};
}

// Steps number `first` and on, grouped by tens, hundreds, … until there are few.
std::vector<Piece> gathered(std::vector<Piece> steps, std::size_t first) {
  std::size_t size = 1;
  while (steps.size() > kMostSteps * size) size *= 10;
  if (size == 1) return steps;
  std::vector<Piece> groups;
  for (std::size_t at = 0; at < steps.size(); at += size) {
    const std::size_t count = std::min(size, steps.size() - at);
    groups.push_back(group(Item::Kind::steps, text("steps ", first + at, "–", first + at + count - 1),
                           gathered(taken(steps, at, count), first + at), count));
  }
  return groups;
}

// A loop of the given steps: the first one, and the others behind one door.
Piece loop_of(std::vector<Piece> steps, const std::string& name) {
  const std::size_t times = steps.size();
  std::vector<Piece> rest = gathered(taken(steps, 1, times - 1), 2);
  steps.resize(1);
  steps.push_back(group(Item::Kind::steps, text("steps 2–", times), std::move(rest), times - 1));
  return group(Item::Kind::loop, name, std::move(steps), times);
}

void fold_loops(Piece& piece);

// The steps of a loop are what they are: loops are only sought within each.
void fold_inside(Piece& piece) {
  if (piece.item.kind != Item::Kind::loop && piece.item.kind != Item::Kind::steps) {
    fold_loops(piece);
    return;
  }
  for (Piece& part : piece.parts) fold_inside(part);
}

void fold_loops(Piece& piece) {
  std::vector<Piece> folded;
  for (std::size_t at = 0; at < piece.parts.size();) {
    const Repetition found = longest_repetition(piece.parts, at);
    if (found.times == 0) {
      folded.push_back(std::move(piece.parts[at++]));
      continue;
    }
    const std::string name = found.period == 1 ? piece.parts[at].item.name : "loop";
    std::vector<Piece> steps;
    for (std::size_t k = 0; k < found.times; ++k, at += found.period) {
      steps.push_back(found.period == 1 ? std::move(piece.parts[at])
                                        : group(Item::Kind::step, text("step ", k + 1),
                                                taken(piece.parts, at, found.period)));
      if (steps.back().item.kind == Item::Kind::module) steps.back().item.name += text(" ", k + 1);
    }
    folded.push_back(loop_of(std::move(steps), name));
  }
  piece.parts = std::move(folded);
  for (Piece& part : piece.parts) fold_inside(part);
}

// ---- cutting what has too many parts

void cut(Piece& piece) {
  for (Piece& part : piece.parts) cut(part);
  while (piece.parts.size() > kMostParts) {
    const std::size_t cuts = (piece.parts.size() + kPartsOfCut - 1) / kPartsOfCut;
    std::vector<Piece> groups;
    for (std::size_t k = 0; k < cuts; ++k) {
      const std::size_t begin = piece.parts.size() * k / cuts, end = piece.parts.size() * (k + 1) / cuts;
      groups.push_back(
          group(Item::Kind::part, text("part ", k + 1, " of ", cuts), taken(piece.parts, begin, end - begin)));
    }
    piece.parts = std::move(groups);
  }
}

// ---- the scene

class Builder {
 public:
  explicit Builder(const Trace& trace) : trace_(trace) {
    scene_.of_operation.assign(trace.operations().size(), kNone);
    scene_.of_value.assign(trace.values().size(), kNone);
  }

  Scene build() {
    Piece root = modules_of(trace_);
    fold_loops(root);
    cut(root);
    add(root, kNone);
    const std::size_t operations = trace_.operations().size();
    for (std::size_t i = 0; i < operations; ++i) place_leaves(i);
    for (auto& [place, group] : leaf_groups_) add_leaf(place, group);
    for (std::size_t i = 0; i < operations; ++i) connect_operands(i);
    return std::move(scene_);
  }

 private:
  std::vector<Item>& items() { return scene_.items; }

  std::size_t add(Piece& piece, std::size_t around) {
    const std::size_t number = items().size();
    items().push_back(std::move(piece.item));
    items()[number].around = around;
    items()[number].depth = around == kNone ? 0 : items()[around].depth + 1;
    if (items()[number].kind == Item::Kind::operation) {
      scene_.of_operation[items()[number].place] = number;
      items()[number].operations = 1;
    }
    for (Piece& part : piece.parts) {
      const std::size_t its = add(part, number);
      items()[number].parts.push_back(its);
      items()[number].operations += items()[its].operations;
    }
    return number;
  }

  // The item that an operand comes from, kNone for one that has none yet.
  std::size_t source_of(std::size_t value) const {
    const std::size_t operation = trace_.values()[value].operation;
    if (operation != 0 && scene_.of_operation[operation - 1] != kNone)
      return scene_.of_operation[operation - 1];
    return scene_.of_value[value];
  }

  // The innermost group around both.
  std::size_t common_group(std::size_t a, std::size_t b) {
    while (a != b) {
      std::size_t& deeper = items()[a].depth >= items()[b].depth ? a : b;
      deeper = items()[deeper].around;
    }
    return a;
  }

  // A leaf belongs into the innermost group around all operations that use it.
  void place_leaves(std::size_t operation) {
    if (scene_.of_operation[operation] == kNone) return;
    const std::size_t group = items()[scene_.of_operation[operation]].around;
    for (const std::size_t value : trace_.operations()[operation].operands) {
      if (value == kNone || source_of(value) != kNone) continue;
      const auto [found, is_new] = leaf_groups_.try_emplace(value, group);
      if (!is_new) found->second = common_group(found->second, group);
    }
  }

  void add_leaf(std::size_t place, std::size_t around) {
    const TracedValue& value = trace_.values()[place];
    const std::size_t dot = value.name.rfind('.');
    scene_.of_value[place] = items().size();
    items()[around].parts.push_back(items().size());
    items().push_back({.kind = Item::Kind::leaf,
                       .name = value.name.empty() ? std::string(value.kind) : value.name.substr(dot + 1),
                       .around = around,
                       .depth = items()[around].depth + 1,
                       .place = place});
  }

  std::size_t gate(Item::Kind kind, std::size_t group, std::size_t outside) {
    const auto [found, is_new] = gates_.try_emplace({kind, group, outside}, items().size());
    if (is_new) {
      auto& gates = kind == Item::Kind::entry ? items()[group].entries : items()[group].exits;
      gates.push_back(items().size());
      items().push_back({.kind = kind, .around = group, .depth = items()[group].depth + 1, .place = outside});
    }
    return found->second;
  }

  Arrow& arrow(std::size_t group, std::size_t from, std::size_t to) {
    const auto [found, is_new] = arrow_numbers_.try_emplace({from, to}, scene_.arrows.size());
    if (is_new) {
      items()[group].arrows.push_back(scene_.arrows.size());
      scene_.arrows.push_back({.group = group, .from = from, .to = to});
    }
    return scene_.arrows[found->second];
  }

  // From `item` outwards up to, not including, the group around.
  std::vector<std::size_t> way_out(std::size_t item, std::size_t group) {
    std::vector<std::size_t> way;
    for (; item != group; item = items()[item].around) way.push_back(item);
    return way;
  }

  void connect(std::size_t source, std::size_t target, const Use& use) {
    const std::size_t group = common_group(items()[source].around, items()[target].around);
    const std::vector<std::size_t> out = way_out(source, group), in = way_out(target, group);
    std::size_t from = out.back(), to = in.back(), gate_out = kNone, gate_in = kNone;
    const std::size_t first_from = from, first_to = to;
    if (out.size() > 1) gate_out = gate(Item::Kind::exit, from, to);
    if (in.size() > 1) gate_in = gate(Item::Kind::entry, to, from);
    const auto draw = [&](std::size_t its_group, std::size_t a, std::size_t b, std::size_t out_of,
                          std::size_t into) {
      Arrow& drawn = arrow(its_group, a, b);
      drawn.out_of = out_of;
      drawn.into = into;
      drawn.uses.push_back(use);
    };
    draw(group, first_from, first_to, gate_out, gate_in);
    for (std::size_t i = out.size() - 1; i-- > 0;) {
      const std::size_t next = i > 0 ? gate(Item::Kind::exit, out[i], gate_out) : kNone;
      draw(out[i + 1], out[i], gate_out, next, kNone);
      gate_out = next;
    }
    for (std::size_t i = in.size() - 1; i-- > 0;) {
      const std::size_t next = i > 0 ? gate(Item::Kind::entry, in[i], gate_in) : kNone;
      draw(in[i + 1], gate_in, in[i], kNone, next);
      gate_in = next;
    }
  }

  void connect_operands(std::size_t operation) {
    const std::size_t item = scene_.of_operation[operation];
    if (item == kNone) return;
    const std::vector<std::size_t>& operands = trace_.operations()[operation].operands;
    for (std::size_t k = 0; k < operands.size(); ++k)
      if (operands[k] != kNone) connect(source_of(operands[k]), item, {operation, k});
  }

  const Trace& trace_;
  Scene scene_;
  std::map<std::size_t, std::size_t> leaf_groups_;  // by place of the value
  std::map<std::tuple<Item::Kind, std::size_t, std::size_t>, std::size_t> gates_;
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> arrow_numbers_;
};

}  // namespace

Scene scene_of(const Trace& trace) { return Builder(trace).build(); }

}  // namespace heed::drawing
