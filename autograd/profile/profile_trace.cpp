#include "autograd/profile/profile.h"
#include "core/error.h"
#include "core/json.h"

namespace heed {
namespace {

void add_string(std::string& out, const char* key, const std::string& value) {
  append_json_string(out, key);
  out += ":";
  append_json_string(out, value);
}

// Microseconds.
std::string number(std::chrono::nanoseconds time) { return text(static_cast<double>(time.count()) / 1e3); }

}  // namespace

std::string chrome_trace(const Profile& profile) {
  constexpr const char* kPhases[] = {"forward", "backward", "outside"};
  std::string out = "{\"traceEvents\":[\n";
  for (int phase = 0; phase < 3; ++phase)
    out += text("{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":1,\"tid\":", phase + 1,
                ",\"args\":{\"name\":\"", kPhases[phase], "\"}},\n");
  const auto begin = profile.events().empty() ? std::chrono::nanoseconds() : profile.events()[0].start;
  std::string separator;
  for (const ProfileEvent& event : profile.events()) {
    const bool outside = event.phase == ProfilePhase::outside;
    const auto phase = static_cast<int>(event.phase);
    out += text(separator, "{\"ph\":\"X\",\"pid\":1,\"tid\":", phase + 1, ",\"cat\":\"", kPhases[phase],
                "\",\"ts\":", number(event.start - begin), ",\"dur\":", number(event.time), ",");
    add_string(out, "name", outside ? "outside" : profile.entries()[event.entry].name);
    if (!outside) {
      const ProfileEntry& entry = profile.entries()[event.entry];
      out += ",\"args\":{";
      add_string(out, "module", entry.module);
      out += ",";
      add_string(out, "line", entry.at.known() ? text(entry.at) : "");
      out += "}";
    }
    out += "}";
    separator = ",\n";
  }
  return out + "\n]}";
}

}  // namespace heed
