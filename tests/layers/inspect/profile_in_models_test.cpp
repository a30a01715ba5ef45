// Profiles of every model of the library.
#include "autograd/profile/profile.h"
#include "core/allocator.h"
#include "optim/adam.h"
#include "tests/layers/inspect/every_model.h"
#include "tests/markup.h"

namespace heed::tests {
namespace {

TEST_CASE(
    "profile: of every model, all FLOPs are known and a module with its parts is what these are and it is") {
  for (const Watched& each : every_model()) {
    INFO(each.name);
    Profile profile;
    each.loss().backward();
    profile.stop();
    CHECK(profile.inside().both().unknown == 0);
    CHECK(profile.inside().forward.flops > 0);
    CHECK(profile.inside().backward.flops > profile.inside().forward.flops / 2);
    const std::vector<ProfileModule> modules = profile.modules();
    for (std::size_t i = 0; i < modules.size(); ++i) {
      const ProfileModule& module = modules[i];
      INFO(module.path);
      ProfileRow sum = module.own;
      for (std::size_t j = i + 1; j < modules.size() && modules[j].depth > module.depth; ++j)
        sum += modules[j].own;
      for (const auto phase : {&ProfileRow::forward, &ProfileRow::backward}) {
        const ProfileCost &inclusive = module.inclusive.*phase, &own = module.own.*phase;
        CHECK(inclusive.time >= own.time);
        CHECK(inclusive.flops >= own.flops);
        CHECK(inclusive.peak >= own.peak);
        CHECK(inclusive.time == (sum.*phase).time);
        CHECK(inclusive.flops == (sum.*phase).flops);
        CHECK(inclusive.bytes == (sum.*phase).bytes);
        CHECK(inclusive.count == (sum.*phase).count);
      }
      CHECK(module.inclusive.held == sum.held);
    }
    CHECK(modules.front().inclusive.both().flops == profile.inside().both().flops);
    CHECK(profile.inside().held + profile.outside().held == profile.peak_bytes());
    CHECK(markup_fault(profile_page(profile)) == "");
  }
}

TEST_CASE("profile: of every module of a model that runs, the calls are counted") {
  Rng rng(1);
  const AttentionSeq2seq model({.vocabulary = 7, .embedding = 3, .hidden = 4}, rng);
  Profile profile;
  model({ids_of({1, 2, 3, 4, 5, 0}, {2, 3}), {}}, {ids_of({1, 2, 3, 4}, {2, 2}), {}});
  for (const ProfileModule& module : profile.modules()) {
    INFO(module.path);
    CHECK(module.calls == 1);
  }
  CHECK(profile.modules().size() == model.modules().size());
}

TEST_CASE("profile: FLOPs of a model of linear layers are those counted by hand") {
  const std::int64_t B = 5, D = 6, H = 8;
  Rng rng(1);
  const FeedForward model({.width = D, .inner = H}, rng);
  const Var x = Var::parameter(Tensor::normal({B, D}, 0, 1, rng));
  Profile profile;
  model(x);
  CHECK(profile.inside().forward.flops == B * (2 * D * H + H) + B * H + B * (2 * H * D + D));
}

TEST_CASE("profile: watching a training changes no bit of it, and no byte of the memory in use") {
  const auto trained = [](bool watched) {
    Rng rng(1);
    const AttentionSeq2seq model({.vocabulary = 7, .embedding = 3, .hidden = 4}, rng);
    Adam optimiser(model.parameters(), {});
    std::optional<Profile> profile;
    if (watched) profile.emplace();
    for (int step = 0; step < 3; ++step) {
      const Var scores = model({ids_of({1, 2, 3, 4, 5, 0}, {2, 3}), {}}, {ids_of({1, 2, 3, 4}, {2, 2}), {}});
      cross_entropy(scores, ids_of({2, 3, 4, 5}, {2, 2})).backward();
      optimiser.step({.clip_norm = 1.0});
      optimiser.zero_grad();
    }
    std::vector<std::vector<double>> all;
    for (const Var& parameter : model.parameters()) all.push_back(parameter.value().to_vector());
    return all;
  };
  const auto unwatched = trained(false);
  const std::int64_t before = pool::statistics().bytes_in_use;
  CHECK(trained(true) == unwatched);
  CHECK(pool::statistics().bytes_in_use == before);
}

}  // namespace
}  // namespace heed::tests
