// Profile: where the time, the arithmetic and the memory of a program go.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "autograd/observer.h"
#include "core/table.h"

namespace heed {

/// What something cost, over all runs of it.
struct ProfileCost {
  std::int64_t count = 0;
  std::chrono::nanoseconds time{};
  std::int64_t flops = 0;    ///< of the runs for which the number is known (autograd/profile/flops.h)
  std::int64_t unknown = 0;  ///< operations for which it is not
  std::int64_t bytes = 0;    ///< of the values made; a view has none of its own
  std::int64_t peak = 0;     ///< the most that was in use of the pool, by whatever, while this ran

  ProfileCost& operator+=(const ProfileCost& other);
};

/// The cost of the operations that have something in common. Of the backward pass it is that of their gradient
/// rules, with the operations in them.
struct ProfileRow {
  std::string name{};
  ProfileCost forward{}, backward{};
  /// Bytes of the pool that it held when most were in use: its values, what its rules saved, its gradients.
  std::int64_t held = 0;

  ProfileCost both() const;
  ProfileRow& operator+=(const ProfileRow& other);
};

/// One operation on one line in one module; `name` is the operation.
struct ProfileEntry : ProfileRow {
  std::string module{};  ///< Module::path(); empty for the outermost module and outside of modules
  SourceLocation at = SourceLocation::unknown();
};

/// A module; the outermost one, whose path is empty, has also what no module computed: the loss, say.
struct ProfileModule {
  std::string path{};
  int depth = 0;           ///< 0 for the outermost
  std::int64_t calls = 0;  ///< of its operator()
  ProfileRow own{};        ///< without its parts
  ProfileRow inclusive{};  ///< with them
};

enum class ProfilePhase { forward, backward, outside };

/// A stretch of time; one of rules has the overhead of measuring it in it.
struct ProfileEvent {
  ProfilePhase phase = ProfilePhase::outside;
  std::size_t entry = 0;  ///< place in Profile::entries(), unless outside
  std::chrono::nanoseconds start{}, time{};
};

enum class ProfileBy { operation, module, line };

struct ProfileOptions {
  /// The time since any moment; without it that of std::chrono::steady_clock.
  std::function<std::chrono::nanoseconds()> clock{};
  bool events = false;  ///< keep each stretch of time, for chrome_trace()
};

/// Measures what this thread does while it lives:
///
///   Profile profile;
///   for (int step = 0; step < 10; ++step) train(loader.next());
///   std::printf("%s", to_string(profile.table()).c_str());
///   write_file("profile.html", profile_page(profile));
///
/// Time between two things that observers are told of belongs to one of
///   - an operation, forward: what went by before it was done, since the one before it was;
///   - an operation, backward: from the moment at which its gradient is complete to that of the next, with
///     adding up the gradients that its rules return, and freeing what was saved;
///   - outside, where data are loaded and optimisers step: what goes by between the end of an operation or a
///     backward and the next entry of an outermost module or beginning of a backward. Where there are no
///     modules the first operation of a step counts as outside, too.
/// All of it and the overhead() are the whole time. Of several observers the innermost is told first: what the
/// others do is measured, too.
///
/// While it lives it watches the peak of the pool (core/allocator.h), for which it resets that again and again;
/// in the end the pool has the peak that it would have had from the beginning of the profile on. Figures of
/// memory include what other threads use; of profiles inside of each other only the innermost sees peaks.
class Profile : public Observer {
 public:
  explicit Profile(ProfileOptions options = {});
  ~Profile() override;

  /// Says that a step is over: tables show the mean of a step. Without it a step is what ends with a backward.
  void end_step() { ++ended_steps_; }
  /// From now on nothing is added; what went by since the latest operation is outside.
  void stop();

  std::int64_t steps() const;  ///< at least 1
  const std::vector<ProfileEntry>& entries() const { return entries_; }
  /// The entries by operation, by module (without its parts), or by line and operation; the most expensive
  /// first.
  std::vector<ProfileRow> rows(ProfileBy by) const;
  /// Each module after the one that it is a part of, parts in the order in which they first ran.
  std::vector<ProfileModule> modules() const;
  /// Time, and what was held when most of the pool was in use by all that is of no operation: parameters, data,
  /// the optimiser's state, what was there before.
  const ProfileRow& outside() const { return outside_; }
  /// All entries together.
  ProfileRow inside() const;
  /// Time that the profile itself took, which is in no other figure.
  std::chrono::nanoseconds overhead() const { return overhead_; }
  /// The most of the pool that was in use; all that entries and outside() held then.
  std::int64_t peak_bytes() const { return peak_bytes_; }
  /// What ran then.
  ProfilePhase peak_phase() const { return peak_during_.phase; }
  const ProfileEntry* peak_entry() const;
  const std::vector<ProfileEvent>& events() const { return events_; }

  /// A row for each operation, module, or operation on a line: about `rows` of them (0: all), the most
  /// expensive ones; below them what is outside, and the sums. Modules are in the order of modules(), with
  /// their parts in all columns but "Own time". Times, FLOPs, "New" (bytes of the values made) and runs are
  /// means of a step; "Peak" is the most that was in use of the pool meanwhile, "Held" what was theirs of
  /// peak_bytes().
  Table table(ProfileBy by = ProfileBy::operation, std::size_t rows = 0) const;

  void recorded(const Recorded& operation) override;
  void entered(std::uint32_t path) override;
  void sweep_began(const SourceLocation& at) override;
  void sweep_ended() override;
  void reached(const Node& node, std::span<const Var> dy) override;
  void rule_returned(const Node& node, std::size_t operand, const Var& gradient) override;

 private:
  struct Owner {
    ProfilePhase phase = ProfilePhase::outside;
    std::size_t entry = 0;
  };
  struct Place {  // texts by their addresses, which stay
    const char* operation;
    const std::string* module;
    std::uint64_t line;
    bool operator==(const Place&) const = default;
  };
  struct HashOfPlace {
    std::size_t operator()(const Place& place) const;
  };
  class Moment;  // in which it is told of something
  class Ledger;  // of who holds which storage

  std::size_t entry_of(const char* operation, const std::string& module, const SourceLocation& at);
  ProfileRow& row_of(const Owner& owner);
  ProfileCost& cost_of(const Owner& owner);
  void keep(const Var& value, const Owner& owner);
  void count_flops(const Recorded& operation, const Owner& owner);
  void forget_graph();
  void note_peak(const Owner& during, std::int64_t peak);

  ProfileOptions options_;
  bool stopped_ = false;
  std::vector<ProfileEntry> entries_;
  std::unordered_map<Place, std::size_t, HashOfPlace> entry_at_;
  ProfileRow outside_{.name = "outside"};
  std::vector<std::pair<const std::string*, std::int64_t>> calls_;  // by module, in the order of the first ones
  std::unordered_map<const std::string*, std::size_t> place_in_calls_;
  std::vector<ProfileEvent> events_;
  std::int64_t ended_steps_ = 0, sweeps_ = 0;

  std::chrono::nanoseconds latest_{}, overhead_{};
  bool between_steps_ = true;  // since a backward nothing has been computed

  int depth_ = 0;    // of sweeps in each other; the outermost is measured
  Owner running_{};  // in it
  bool rules_begin_ = false, rules_counted_ = false;
  std::map<std::uint64_t, std::int64_t> fused_rules_;  // their FLOPs, by id_of(node)

  std::shared_ptr<Ledger> ledger_;
  std::uint64_t fresh_since_ = 0;  // storages created since then are new
  std::int64_t in_use_ = 0, peak_bytes_ = 0, pool_peak_before_ = 0;
  Owner peak_during_{};
};

/// A page with the figures, a flame graph of the time, tables, and who held the memory at its peak.
std::string profile_page(const Profile& profile, const std::string& title = "Profile");

/// The flame graph of the time alone, as an `<svg>` element with its own style: below the whole its forward,
/// its backward and what is outside; below these modules, and operations below them; widths are times.
std::string profile_flame_graph(const Profile& profile);

/// Each stretch of time in the format of Chrome's trace viewer (chrome://tracing, ui.perfetto.dev), as JSON.
/// The profile was taken with `events`.
std::string chrome_trace(const Profile& profile);

}  // namespace heed
