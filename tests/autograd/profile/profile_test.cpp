#include "autograd/profile/profile.h"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

#include "autograd/backward.h"
#include "autograd/checkpoint.h"
#include "autograd/ops.h"
#include "core/allocator.h"
#include "core/json.h"
#include "layers/module.h"
#include "tests/autograd/graph_testing.h"
#include "tests/catch.h"
#include "tests/markup.h"

namespace heed::tests {
namespace {

using std::chrono::nanoseconds;

// A clock that stands still unless a test moves it.
struct Clock {
  nanoseconds now{1000};
  void pass(std::int64_t ns) { now += nanoseconds(ns); }
  ProfileOptions options(bool events = false) {
    return {.clock = [this] { return now; }, .events = events};
  }
};

// y = x, which takes that long, and its rule so long.
Var slow(const Var& x, Clock& clock, std::int64_t forward, std::int64_t backward, const char* name = "slow") {
  clock.pass(forward);
  return record(name, x.value().clone(), wrt(x, [&clock, backward](const Var& dy) {
                  clock.pass(backward);
                  return dy * 2.0;
                }));
}

struct Layer : Module {
  Layer(Clock& its_clock, std::int64_t forward, std::int64_t backward)
      : Module("Layer"), clock(its_clock), ahead(forward), back(backward) {}
  Var operator()(const Var& x) const {
    const ErrorFrame frame = enter();
    return slow(x, clock, ahead, back);
  }
  Clock& clock;
  std::int64_t ahead, back;
};

struct Block : Module {
  explicit Block(Clock& clock) : Module("Block"), first(clock, 3, 5), second(clock, 7, 11) {
    register_module("first", first);
    register_module("second", second);
  }
  Var operator()(const Var& x) const {
    const ErrorFrame frame = enter();
    first.clock.pass(1);
    return second(second(first(exp(x))));
  }
  Layer first, second;
};

struct Model : Module {
  explicit Model(Clock& clock) : Module("Model"), block(clock) { register_module("block", block); }
  Var operator()(const Var& x) const {
    const ErrorFrame frame = enter();
    return sum(block(x));
  }
  Block block;
};

const ProfileRow& row(const std::vector<ProfileRow>& rows, const std::string& name) {
  for (const ProfileRow& each : rows)
    if (each.name == name) return each;
  FAIL("there is no row " << name);
  return rows.front();
}

const ProfileModule& module(const std::vector<ProfileModule>& modules, const std::string& path) {
  for (const ProfileModule& each : modules)
    if (each.path == path) return each;
  FAIL("there is no module " << path);
  return modules.front();
}

TEST_CASE("profile: time goes to operations, to those whose rules run, and outside") {
  Clock clock;
  const Model model(clock);
  const Var x = leaf({1, 2});
  Profile profile(clock.options());
  clock.pass(100);  // data
  const Var loss = model(x);
  clock.pass(20);  // between forward and backward
  loss.backward();
  clock.pass(1000);  // the optimiser
  profile.stop();
  clock.pass(5000);

  const auto rows = profile.rows(ProfileBy::operation);
  CHECK(row(rows, "slow").forward.time == nanoseconds(3 + 7 + 7));
  CHECK(row(rows, "slow").backward.time == nanoseconds(5 + 11 + 11));
  CHECK(row(rows, "slow").forward.count == 3);
  CHECK(row(rows, "slow").backward.count == 3);
  CHECK(row(rows, "exp").forward.time == nanoseconds(1));
  CHECK(rows.front().name == "slow");  // the most expensive first
  CHECK(profile.outside().forward.time == nanoseconds(100 + 20 + 1000));
  CHECK(profile.overhead() == nanoseconds(0));
}

TEST_CASE("profile: modules have their own time and that of their parts") {
  Clock clock;
  const Model model(clock);
  Profile profile(clock.options());
  model(leaf({1, 2})).backward();
  const auto modules = profile.modules();
  REQUIRE(modules.size() == 4);
  CHECK(modules[0].path == "");
  CHECK(modules[1].path == "block");
  CHECK(modules[2].path == "block.first");
  CHECK(modules[3].depth == 2);
  CHECK(module(modules, "block").own.both().time == nanoseconds(1));
  CHECK(module(modules, "block").inclusive.forward.time == nanoseconds(1 + 3 + 7 + 7));
  CHECK(module(modules, "block").inclusive.backward.time == nanoseconds(5 + 11 + 11));
  CHECK(module(modules, "block.second").calls == 2);
  CHECK(module(modules, "block.second").inclusive.both().time == nanoseconds(2 * (7 + 11)));
  CHECK(module(modules, "").inclusive.both().time == profile.inside().both().time);
}

TEST_CASE("profile: with a clock that runs, all times and the overhead are what went by") {
  std::int64_t ticks = 0;
  Clock unused;
  const Model model(unused);
  Profile profile({.clock = [&] { return nanoseconds(ticks++); }});
  for (int step = 0; step < 3; ++step) model(leaf({1, 2})).backward();
  profile.stop();
  nanoseconds sum = profile.outside().forward.time + profile.overhead();
  for (const ProfileEntry& entry : profile.entries()) {
    CHECK(entry.forward.time.count() >= 0);
    CHECK(entry.backward.time.count() >= 0);
    sum += entry.both().time;
  }
  CHECK(sum == nanoseconds(ticks - 1));
  CHECK(profile.overhead().count() > 0);
}

// Every figure that is a sum.
void check_sums(const Profile& profile, const std::vector<ProfileRow>& rows) {
  ProfileRow sum;
  for (const ProfileRow& each : rows) sum += each;
  const ProfileRow whole = profile.inside();
  for (const auto phase : {&ProfileRow::forward, &ProfileRow::backward}) {
    CHECK((sum.*phase).count == (whole.*phase).count);
    CHECK((sum.*phase).time == (whole.*phase).time);
    CHECK((sum.*phase).flops == (whole.*phase).flops);
    CHECK((sum.*phase).bytes == (whole.*phase).bytes);
    CHECK((sum.*phase).peak == (whole.*phase).peak);
  }
  CHECK(sum.held == whole.held);
  CHECK(whole.held + profile.outside().held == profile.peak_bytes());
}

TEST_CASE("profile: sums by operation, by module and by line are the whole") {
  Clock clock;
  const Model model(clock);
  Profile profile;
  for (int step = 0; step < 2; ++step) model(leaf({1, 2, 3})).backward();
  for (const ProfileBy by : {ProfileBy::operation, ProfileBy::module, ProfileBy::line})
    check_sums(profile, profile.rows(by));
  CHECK(row(profile.rows(ProfileBy::module), "block.first").forward.count == 2);
}

TEST_CASE("profile: FLOPs of a network with one hidden layer are those counted by hand") {
  const std::int64_t B = 6, D = 4, H = 5, K = 3;
  Rng rng(1);
  const auto parameter = [&](const Shape& shape) { return Var::parameter(Tensor::normal(shape, 0, 1, rng)); };
  const Var w1 = parameter({D, H}), b1 = parameter({H}), w2 = parameter({H, K}), b2 = parameter({K});
  const Var x(Tensor::normal({B, D}, 0, 1, rng));
  Profile profile;
  const Var y = linear(tanh(linear(x, w1, b1)), w2, b2);
  sum(y).backward();
  const ProfileRow whole = profile.inside();
  CHECK(whole.forward.flops == B * (2 * D * H + H) + B * H + B * (2 * H * K + K) + B * K);
  // dw1 and not dx, db1 summed; the derivative of tanh; dh and dw2, db2 summed.
  CHECK(whole.backward.flops == B * 2 * D * H + B * H + B * H + 2 * B * 2 * H * K + B * K);
  CHECK(whole.both().unknown == 0);
  const ProfileRow products = row(profile.rows(ProfileBy::operation), "linear");
  CHECK(products.backward.count == 2);
  CHECK(products.backward.flops == B * 2 * D * H + B * H + 2 * B * 2 * H * K + B * K);
}

TEST_CASE("profile: fused rules count by their formula, the rules of a definition by their operations") {
  Var x = Var::parameter(Tensor::ones({3, 4}));
  const auto backward_of_softmax = [&](bool create_graph) {
    Profile profile;
    sum(softmax(x)).backward({.create_graph = create_graph});
    x.zero_grad();
    return row(profile.rows(ProfileBy::operation), "softmax").backward.flops;
  };
  CHECK(backward_of_softmax(false) == 4 * 12);
  CHECK(backward_of_softmax(true) == 4 * 12);  // two products, a difference, a sum
}

TEST_CASE("profile: bytes are those of new elements, views have none") {
  const Var x = leaf({1, 2, 3, 4});
  Profile profile;
  const Var y = reshape(exp(x), {2, 2});
  sum(transpose(y) * y).backward();
  const auto rows = profile.rows(ProfileBy::operation);
  CHECK(row(rows, "exp").forward.bytes == 4 * 8);
  CHECK(row(rows, "reshape").forward.bytes == 0);
  CHECK(row(rows, "transpose").forward.bytes == 0);
  CHECK(row(rows, "multiply").backward.bytes == 2 * 4 * 8);
  CHECK(row(rows, "sum").backward.bytes == 0);  // the gradient of 1, seen four times
}

TEST_CASE("profile: the peak is the pool's, and all of it is held by somebody") {
  constexpr std::int64_t kLarge = 3 << 20, kLag = 1 << 16;  // the pool's figures lag behind by a little
  const auto block = static_cast<std::int64_t>(Tensor::empty({kLarge}).storage().block_bytes());
  const auto run = [&] {
    const Var x = Var::parameter(Tensor::ones({kLarge}));
    const Var y = x * 2.0, z = exp(y);
    sum(z * 3.0).backward();
  };
  pool::reset_peak();
  const std::int64_t before = bytes_in_use();
  run();
  const std::int64_t unwatched = pool::statistics().peak_bytes;
  pool::reset_peak();
  std::int64_t peak = 0;
  {
    Profile profile;
    run();
    profile.stop();
    peak = profile.peak_bytes();
    CHECK(peak >= unwatched);
    CHECK(peak <= unwatched + kLag);
    CHECK(peak >= before + 6 * block);  // x, y, z, the product; gradients of z and of y
    const auto rows = profile.rows(ProfileBy::operation);
    std::int64_t held = profile.outside().held;
    for (const ProfileRow& each : rows) held += each.held;
    CHECK(held == peak);
    CHECK(row(rows, "exp").held >= block);
    CHECK(profile.outside().held >= before + block);  // x
  }
  CHECK(pool::statistics().peak_bytes == peak);
}

TEST_CASE("profile: memory inside of an operation is that operation's, with the peak in it") {
  constexpr std::int64_t kLarge = 1 << 20;
  const Var x = leaf({1});
  Profile profile;
  exp(x);  // the first one counts as outside
  const std::int64_t before = bytes_in_use();
  Tensor value;
  {
    const Tensor needed = Tensor::ones({kLarge});
    value = x.value().clone();
  }
  record("greedy", value);
  exp(x);
  REQUIRE(profile.peak_entry() != nullptr);
  CHECK(profile.peak_entry()->name == "greedy");
  CHECK(profile.peak_phase() == ProfilePhase::forward);
  const auto rows = profile.rows(ProfileBy::operation);
  CHECK(row(rows, "greedy").forward.peak == profile.peak_bytes());
  CHECK(row(rows, "greedy").held >= 4 * kLarge);
  CHECK(row(rows, "exp").forward.peak < before + 4 * kLarge);
}

TEST_CASE("profile: values may go after it, and on another thread") {
  const std::int64_t before = bytes_in_use();
  Tensor first, second;
  {
    Profile profile;
    const Var x = exp(leaf({1, 2}));
    first = exp(x).value();
    second = exp(x).value();
    std::thread([kept = std::move(first)]() mutable { kept = Tensor(); }).join();
    exp(x);
    const ProfileRow held = row(profile.rows(ProfileBy::operation), "exp");
    CHECK(held.forward.count == 4);
  }
  CHECK_FALSE(first.defined());
  second = Tensor();
  CHECK(bytes_in_use() == before);
}

TEST_CASE("profile: what steps leave behind is not added up") {
  Var w = Var::parameter(Tensor::ones({64, 64}));
  const auto held_after = [&](int steps) {
    Profile profile;
    for (int i = 0; i < steps; ++i) {
      sum(tanh(matmul(w, w))).backward();
      w.zero_grad();
    }
    return profile.peak_bytes();
  };
  held_after(1);  // the pool's own lists are warm
  CHECK(held_after(20) == held_after(2));
}

TEST_CASE("profile: watching changes no bit of values and gradients, and not the memory that is used") {
  const auto run = [] {
    Rng rng(3);
    const Var x = Var::parameter(Tensor::normal({8, 6}, 0, 1, rng)),
              w = Var::parameter(Tensor::normal({6, 6}, 0, 1, rng));
    const Var loss = sum(softmax(matmul(tanh(matmul(x, w)), w)) * x);
    loss.backward();
    return std::vector{loss.value().to_vector(), x.grad().value().to_vector(), w.grad().value().to_vector()};
  };
  const auto unwatched = run();
  const std::int64_t before = bytes_in_use();
  const Profile profile({.events = true});
  CHECK(run() == unwatched);
  CHECK(bytes_in_use() == before);
}

TEST_CASE("profile: what a checkpoint computes again is its backward, the rules in it are theirs") {
  Clock clock;
  const Var x = leaf({1, 2});
  Profile profile(clock.options());
  const Var y = checkpoint([&](const Var& in) { return slow(in, clock, 10, 20); }, x);
  clock.pass(1);
  sum(y).backward();
  const auto rows = profile.rows(ProfileBy::operation);
  CHECK(row(rows, "slow").forward.count == 1);
  CHECK(row(rows, "checkpoint").backward.time == nanoseconds(10));
  CHECK(row(rows, "slow").backward.time == nanoseconds(20));
  CHECK(row(rows, "slow").backward.count == 1);
}

TEST_CASE("profile: a gradient inside a rule belongs to the operation whose rule it is") {
  Clock clock;
  const Var x = leaf({2});
  const auto twice = [&](const Var& in) {
    return record("nested", in.value().clone(), wrt(in, [&](const Var& dy) {
                    const Var inner = leaf({3});
                    const Recording on(true);
                    const Var out = sum(slow(inner, clock, 4, 6));
                    return dy * grad(out, {inner})[0];
                  }));
  };
  Profile profile(clock.options());
  sum(twice(x)).backward();
  const auto rows = profile.rows(ProfileBy::operation);
  CHECK(row(rows, "nested").backward.time == nanoseconds(4 + 6));
  CHECK(std::none_of(rows.begin(), rows.end(), [](const ProfileRow& each) { return each.name == "slow"; }));
  CHECK(profile.steps() == 1);
}

TEST_CASE("profile: a rule that throws leaves it measuring") {
  Clock clock;
  const Var x = leaf({1});
  Profile profile(clock.options());
  const Var bad =
      record("bad", x.value().clone(), wrt(x, [](const Var&) -> Var { throw GraphError({.what = "no"}); }));
  CHECK_THROWS_AS(sum(bad).backward(), GraphError);
  exp(x);  // the first of a step
  slow(x, clock, 9, 0);
  CHECK(row(profile.rows(ProfileBy::operation), "slow").forward.time == nanoseconds(9));
}

TEST_CASE("profile: tables show the mean of a step, with what is outside and the sum below") {
  Clock clock;
  const Model model(clock);
  Profile profile(clock.options());
  for (int step = 0; step < 4; ++step) {
    model(leaf({1, 2})).backward();
    clock.pass(155);
  }
  profile.stop();
  CHECK(profile.steps() == 4);
  const std::string table = to_string(profile.table());
  CHECK_THAT(table, ContainsSubstring("\nslow          3   44 ns   22.0 %    17 ns     27 ns     6    0.136"));
  CHECK_THAT(table, ContainsSubstring("\noutside          155 ns   77.5 %                                   "));
  CHECK_THAT(table, ContainsSubstring("\nall              200 ns  100.0 %    18 ns     27 ns    12    0.267"));
  const std::string head = to_string(profile.table(ProfileBy::operation, 1));
  CHECK_THAT(head, ContainsSubstring("\n2 others      2    1 ns"));
  const std::string modules = to_string(profile.table(ProfileBy::module));
  CHECK_THAT(modules, ContainsSubstring("\n(outermost)       1             45 ns"));
  CHECK_THAT(modules, ContainsSubstring("\nblock.second      2     36 ns   36 ns"));
  CHECK_THAT(to_string(profile.table(ProfileBy::line)), ContainsSubstring("profile_test.cpp:"));
  profile.end_step();
  CHECK(profile.steps() == 1);
}

TEST_CASE("profile: the page and the flame graph are well-formed, with every text escaped") {
  Clock clock;
  const Model model(clock);
  Profile profile(clock.options());
  slow(model(leaf({1})), clock, 30, 40, "<b>&").backward();
  const std::string page = profile_page(profile, "A & B");
  CHECK(markup_fault(page) == "");
  CHECK(count_of(page, "<b>") == 0);
  CHECK(count_of(page, "&lt;b&gt;&amp;") > 2);
  CHECK(count_of(page, "<script") == 0);
  CHECK(markup_fault(profile_flame_graph(profile)) == "");
  CHECK(count_of(profile_flame_graph(profile), "<title>backward of block.second: slow: 22 ns, ") == 1);
  const Profile empty(clock.options());
  CHECK(markup_fault(profile_page(empty)) == "");
}

TEST_CASE("profile: the trace for Chrome has every stretch of time, end to end") {
  Clock clock;
  const Var x = leaf({1});
  Profile profile(clock.options(true));
  clock.pass(5000);
  const Var y = exp(x);
  const Var loss = sum(slow(slow(y, clock, 2000, 3000), clock, 4000, 6000));
  clock.pass(7000);
  loss.backward();
  clock.pass(8000);
  profile.stop();
  struct Event {
    std::string name;
    std::int64_t lane, start, length;
    bool operator==(const Event&) const = default;
  };
  std::vector<Event> events;
  const std::string trace = chrome_trace(profile);
  JsonReader json(trace, "trace");
  json.object([&](const std::string&) {
    json.array([&] {
      Event event{"", 0, -1, 0};
      json.object([&](const std::string& member) {
        if (member == "name")
          event.name = json.string();
        else if (member == "args")
          json.object([&](const std::string&) { json.string(); });
        else if (member == "ph" || member == "cat")
          json.string();
        else
          (member == "ts" ? event.start : member == "dur" ? event.length : event.lane) = json.integer();
      });
      if (event.length > 0) events.push_back(event);  // in microseconds
    });
  });
  json.end();
  CHECK(events == std::vector<Event>{{"outside", 3, 0, 5},
                                     {"slow", 1, 5, 2},
                                     {"slow", 1, 7, 4},
                                     {"outside", 3, 11, 7},
                                     {"slow", 2, 18, 6},
                                     {"slow", 2, 24, 3},
                                     {"outside", 3, 27, 8}});
}

}  // namespace
}  // namespace heed::tests
