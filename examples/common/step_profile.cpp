#include "examples/common/step_profile.h"

#include <cstdio>

#include "core/file.h"
#include "core/value_text.h"

namespace heed::programs {

void StepProfile::step_begins() {
  if (left_ > 0 && !first_ && !profile_) profile_.emplace();
  first_ = false;
}

bool StepProfile::step_ended() {
  if (!profile_) return false;
  profile_->end_step();
  return --left_ == 0;
}

void StepProfile::report() {
  if (!profile_) return;
  constexpr std::size_t kShown = 8;
  profile_->stop();
  const Profile& profile = *profile_;
  make_folder(config_.out);
  write_file(config_.profile_path(), profile_page(profile, "Profile of training steps"));
  std::printf("mean of %s, without the %s that measuring took\n%sprofile: %s\n",
              written_count(static_cast<std::size_t>(profile.steps()), "step").c_str(),
              written_time(profile.overhead() / profile.steps()).c_str(),
              to_string(profile.table(ProfileBy::operation, kShown)).c_str(), config_.profile_path().c_str());
  profile_.reset();
  left_ = 0;
}

}  // namespace heed::programs
