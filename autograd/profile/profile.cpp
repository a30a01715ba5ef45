#include "autograd/profile/profile.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>

#include "autograd/node.h"
#include "autograd/profile/flops.h"
#include "core/allocator.h"
#include "core/error.h"
#include "core/names.h"

namespace heed {

using std::chrono::nanoseconds;

ProfileCost& ProfileCost::operator+=(const ProfileCost& other) {
  count += other.count;
  time += other.time;
  flops += other.flops;
  unknown += other.unknown;
  bytes += other.bytes;
  peak = std::max(peak, other.peak);
  return *this;
}

ProfileCost ProfileRow::both() const {
  ProfileCost sum = forward;
  return sum += backward;
}

ProfileRow& ProfileRow::operator+=(const ProfileRow& other) {
  forward += other.forward;
  backward += other.backward;
  held += other.held;
  return *this;
}

// Who holds how much of the pool: storages that the profile was told of, from then to their release, which may
// come from any thread and after the end of the profile, and the rest. Owners are numbered from 0, which is
// what is outside.
class Profile::Ledger {
 public:
  struct Share {
    const Storage* storage;
    std::size_t owner;
    std::int64_t bytes;
    Share* next = nullptr;  // of those released
  };

  // The share that is to be released when the storage is; nullptr for a storage that is known.
  Share* add(const Storage& storage, std::size_t owner) {
    take_notice();
    const auto bytes = static_cast<std::int64_t>(storage.block_bytes());
    const auto [found, is_new] = alive_.try_emplace(&storage, Share{&storage, owner, bytes});
    if (!is_new) return nullptr;
    at(owner).known += bytes;
    known_ += bytes;
    return &found->second;
  }
  void release(Share* share) {
    share->next = released_.load(std::memory_order_relaxed);
    while (!released_.compare_exchange_weak(share->next, share, std::memory_order_release,
                                            std::memory_order_relaxed)) {
    }
  }
  // What else has changed of so many bytes more in use is the owner's.
  void settle(std::size_t owner, std::int64_t more_in_use) {
    take_notice();
    at(owner).rest += more_in_use - (known_ - known_before_);
    known_before_ = known_;
  }
  // The rest is nobody's any more.
  void disown_rest() {
    for (std::size_t owner = 1; owner < all_.size(); ++owner) at(0).rest += std::exchange(all_[owner].rest, 0);
  }
  std::int64_t held(std::size_t owner) const {
    return owner < all_.size() ? all_[owner].known + all_[owner].rest : 0;
  }

 private:
  struct Held {
    std::int64_t known = 0, rest = 0;
  };
  Held& at(std::size_t owner) {
    if (owner >= all_.size()) all_.resize(owner + 1);
    return all_[owner];
  }
  void take_notice() {
    Share* share = released_.exchange(nullptr, std::memory_order_acquire);
    while (share != nullptr) {
      at(share->owner).known -= share->bytes;
      known_ -= share->bytes;
      Share* const next = share->next;
      alive_.erase(share->storage);
      share = next;
    }
  }

  std::unordered_map<const Storage*, Share> alive_;  // whose elements stay where they are
  std::atomic<Share*> released_ = nullptr;
  std::vector<Held> all_;
  std::int64_t known_ = 0, known_before_ = 0;
};

// Being told of something: what went by before it is somebody's, what goes by in it is overhead.
class Profile::Moment {
 public:
  explicit Moment(Profile& profile)
      : profile_(profile), now_(profile.options_.clock()), pool_(pool::statistics()) {
    pool::reset_peak();
  }
  // What went by is that owner's: to be said once.
  void charge(const Owner& owner) {
    owner_ = owner;
    ProfileCost& cost = profile_.cost_of(owner);
    cost.time += now_ - profile_.latest_;
    cost.peak = std::max(cost.peak, pool_.peak_bytes);
    if (pool_.peak_bytes > profile_.peak_bytes_) profile_.note_peak(owner, pool_.peak_bytes);
    if (profile_.options_.events) add_event(owner);
  }
  ~Moment() {
    profile_.ledger_->settle(number_of(owner_), pool_.bytes_in_use - profile_.in_use_);
    profile_.in_use_ = pool_.bytes_in_use;
    profile_.latest_ = profile_.options_.clock();
    profile_.overhead_ += profile_.latest_ - now_;
  }
  Moment(const Moment&) = delete;
  Moment& operator=(const Moment&) = delete;

  // In the ledger.
  static std::size_t number_of(const Owner& owner) {
    return owner.phase == ProfilePhase::outside ? 0 : owner.entry + 1;
  }

 private:
  // The rules of one operation are one stretch of time.
  void add_event(const Owner& owner) {
    std::vector<ProfileEvent>& events = profile_.events_;
    if (owner.phase == ProfilePhase::backward && !std::exchange(profile_.rules_begin_, false))
      events.back().time = now_ - events.back().start;
    else
      events.push_back({owner.phase, owner.entry, profile_.latest_, now_ - profile_.latest_});
  }

  Profile& profile_;
  nanoseconds now_;
  pool::Statistics pool_;
  Owner owner_{};
};

Profile::Profile(ProfileOptions options)
    : options_(std::move(options)), ledger_(std::make_shared<Ledger>()), fresh_since_(moment::next()) {
  if (!options_.clock) options_.clock = [] { return std::chrono::steady_clock::now().time_since_epoch(); };
  const pool::Statistics pool = pool::statistics();
  pool_peak_before_ = pool.peak_bytes;
  pool::reset_peak();
  ledger_->settle(0, pool.bytes_in_use);
  outside_.held = in_use_ = peak_bytes_ = pool.bytes_in_use;
  latest_ = options_.clock();
}

Profile::~Profile() { stop(); }

void Profile::stop() {
  if (stopped_) return;
  Moment(*this).charge(running_);
  pool::reset_peak(std::max(pool_peak_before_, peak_bytes_));
  stopped_ = true;
}

std::int64_t Profile::steps() const {
  return std::max<std::int64_t>(1, ended_steps_ > 0 ? ended_steps_ : sweeps_);
}

const ProfileEntry* Profile::peak_entry() const {
  return peak_during_.phase == ProfilePhase::outside ? nullptr : &entries_[peak_during_.entry];
}

// ---- what it is told of

void Profile::recorded(const Recorded& operation) {
  if (stopped_) return;
  Moment now(*this);
  if (depth_ > 0) {
    now.charge(running_);
    count_flops(operation, running_);
    keep(operation.output, running_);
    return;
  }
  const Var& y = operation.output;
  const Owner owner{ProfilePhase::forward, entry_of(y.operation(), y.module_path(), y.recorded_by())};
  now.charge(between_steps_ ? Owner{} : owner);
  if (between_steps_) forget_graph();
  keep(y, owner);
  if (operation.index == 0) ++cost_of(owner).count;
  count_flops(operation, owner);
  if (operation.index + 1 == operation.outputs) fresh_since_ = moment::now();
}

void Profile::entered(std::uint32_t path_number) {
  if (stopped_ || depth_ > 0) return;
  const std::string& path = names::at_number(path_number);
  const auto [found, is_new] = place_in_calls_.try_emplace(&path, calls_.size());
  if (is_new) calls_.emplace_back(&path, 0);
  ++calls_[found->second].second;
  if (ErrorFrame::any_running([](const void*) { return true; })) return;
  Moment now(*this);
  now.charge({});
  if (between_steps_) forget_graph();
  fresh_since_ = moment::now();
}

void Profile::sweep_began(const SourceLocation&) {
  if (stopped_ || depth_++ > 0) return;
  Moment now(*this);
  now.charge({});
  ++sweeps_;
  running_ = {};
  rules_begin_ = true;
  fresh_since_ = moment::now();
}

void Profile::sweep_ended() {
  if (stopped_ || depth_ == 0 || --depth_ > 0) return;  // or it began before this was there
  Moment now(*this);
  now.charge(running_);
  running_ = {};
  between_steps_ = true;
  fresh_since_ = moment::now();
}

void Profile::reached(const Node& node, std::span<const Var>) {
  if (stopped_ || depth_ != 1 || node.edges().empty()) return;
  Moment now(*this);
  const Owner owner{ProfilePhase::backward, entry_of(node.operation, node.module_path(), node.recorded_by())};
  const bool is_first = running_.phase == ProfilePhase::outside;
  now.charge(is_first ? owner : running_);
  running_ = owner;
  rules_begin_ = !is_first;
  fresh_since_ = moment::now();
  // Each of several outputs is reached before the operation as a whole.
  if (&node.whole() != &node) return;
  ++cost_of(owner).count;
  rules_counted_ = false;
}

void Profile::rule_returned(const Node& node, std::size_t, const Var& gradient) {
  if (stopped_ || depth_ != 1 || running_.phase == ProfilePhase::outside) return;
  Moment now(*this);
  now.charge(running_);
  if (gradient.defined()) keep(gradient, running_);
  if (std::exchange(rules_counted_, true) || is_recording()) return;  // then the definition's rules run
  if (const auto found = fused_rules_.find(id_of(node)); found != fused_rules_.end())
    cost_of(running_).flops += found->second;
}

// ---- what it makes of that

std::size_t Profile::HashOfPlace::operator()(const Place& place) const {
  std::size_t hash = 0;
  const auto mix = [&](auto value) {
    hash = (hash ^ std::hash<decltype(value)>{}(value)) * std::size_t{0x9e3779b97f4a7c15};
  };
  mix(place.operation);
  mix(place.module);
  mix(place.line);
  return hash ^ hash >> 32;
}

std::size_t Profile::entry_of(const char* operation, const std::string& module, const SourceLocation& at) {
  const auto [found, is_new] = entry_at_.try_emplace({operation, &module, at.packed()}, entries_.size());
  if (is_new) {
    ProfileEntry& entry = entries_.emplace_back();
    entry.name = operation;
    entry.module = module;
    entry.at = at;
  }
  return found->second;
}

ProfileRow& Profile::row_of(const Owner& owner) {
  if (owner.phase == ProfilePhase::outside) return outside_;
  return entries_[owner.entry];
}

ProfileCost& Profile::cost_of(const Owner& owner) {
  ProfileRow& row = row_of(owner);
  return owner.phase == ProfilePhase::backward ? row.backward : row.forward;
}

// Of a value that was made since the latest moment, until it is released.
void Profile::keep(const Var& value, const Owner& owner) {
  const Tensor& tensor = value.node()->value;
  if (!tensor.defined() || tensor.storage().created() < fresh_since_) return;
  Storage& storage = tensor.storage();
  Ledger::Share* const share = ledger_->add(storage, Moment::number_of(owner));
  if (share == nullptr) return;
  storage.when_released([ledger = ledger_, share] { ledger->release(share); });
  cost_of(owner).bytes += static_cast<std::int64_t>(storage.bytes());
}

void Profile::count_flops(const Recorded& operation, const Owner& owner) {
  if (operation.index > 0) return;
  const std::optional<std::int64_t> flops = flops_of(operation);
  if (!flops) ++cost_of(owner).unknown;
  cost_of(owner).flops += flops.value_or(0);
  if (!operation.output.requires_grad()) return;
  const std::optional<std::int64_t> of_rules = flops_of_fused_rules(operation);
  if (!of_rules) return;
  constexpr std::size_t kMostExpected = 1 << 16;  // the oldest will hardly be differentiated any more
  fused_rules_[operation.id] = *of_rules;
  if (fused_rules_.size() > kMostExpected) fused_rules_.erase(fused_rules_.begin());
}

// A step begins: what is left of the graph of the one before is no longer the operations'.
void Profile::forget_graph() {
  between_steps_ = false;
  ledger_->disown_rest();
}

// Holds what stood in the ledger when the stretch of time began that had the peak in it.
void Profile::note_peak(const Owner& during, std::int64_t peak) {
  peak_bytes_ = peak;
  peak_during_ = during;
  outside_.held = ledger_->held(0);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::int64_t held = ledger_->held(i + 1);
    // Less than nothing: its rules freed nodes of others.
    entries_[i].held = std::max<std::int64_t>(0, held);
    outside_.held += std::min<std::int64_t>(0, held);
  }
  row_of(during).held += peak - in_use_;
}

}  // namespace heed
