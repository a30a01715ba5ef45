#include "layers/module.h"

#include <algorithm>
#include <unordered_map>

#include "core/names.h"

namespace heed {

template <class F>
void Module::for_each_parameter(F&& body) const {
  for (const auto& [name, parameter] : parameters_) body(parameter);
  for (const Module* const part : parts_) part->for_each_parameter(body);
}

std::vector<Var> Module::parameters() const {
  std::vector<Var> all;
  for_each_parameter([&](const Var& parameter) { all.push_back(parameter); });
  return all;
}

std::int64_t Module::parameter_count() const {
  std::int64_t count = 0;
  for_each_parameter([&](const Var& parameter) { count += parameter.count(); });
  return count;
}

void Module::train(bool on) {
  training_ = on;
  for (Module* const part : parts_) part->train(on);
}

void Module::to(DType dtype) {
  if (!is_floating(dtype))
    throw DTypeError({.what = text("Module::to: parameters cannot be ", dtype), .expected = "f32 or f64"});
  for_each_parameter([&](Var parameter) {
    if (parameter.dtype() != dtype) parameter.set_value(parameter.value().to(dtype));
  });
}

void Module::zero_grad() {
  for_each_parameter([](Var parameter) { parameter.zero_grad(); });
}

NamedTensors Module::state() const {
  NamedTensors state;
  for_each_parameter([&](const Var& parameter) { state.emplace_back(parameter.name(), parameter.value()); });
  return state;
}

void Module::load_state(const NamedTensors& state) {
  std::unordered_map<std::string_view, const Tensor*> given;
  for (const auto& [name, value] : state) given.emplace(name, &value);
  std::string differences;
  int missing = 0, unexpected = 0, misshapen = 0;
  for_each_parameter([&](const Var& parameter) {
    const auto found = given.find(parameter.name());
    if (found == given.end()) {
      ++missing;
      append(differences, text("\n  - ", parameter.name(), " ", parameter.shape(), ": missing"));
    } else {
      if (found->second->shape() != parameter.shape()) {
        ++misshapen;
        append(differences, text("\n  ! ", parameter.name(), " ", parameter.shape(), ": the state has ",
                                 found->second->shape()));
      }
      given.erase(found);
    }
  });
  for (const auto& [name, value] : state)
    if (given.contains(name)) {
      ++unexpected;
      append(differences, text("\n  + ", name, " ", value.shape(), ": unexpected"));
    }
  if (!differences.empty())
    throw ConfigError(
        {.what = text("load_state: the state does not fit ", description_, ": ", missing, " missing, ",
                      unexpected, " unexpected, ", misshapen, " misshapen", differences)});
  std::unordered_map<std::string_view, const Tensor*> values;
  for (const auto& [name, value] : state) values.emplace(name, &value);
  for_each_parameter([&](Var parameter) { parameter.mutable_value().copy_from(*values.at(parameter.name())); });
}

void Module::append_summary(std::string& out, const std::string& name, int depth) const {
  const std::string indent(static_cast<std::size_t>(2 * depth), ' ');
  append(out, text(indent, name.empty() ? "" : name + ": ", description_, "  (", parameter_count(),
                   " parameters)\n"));
  for (const auto& [parameter_name, parameter] : parameters_)
    append(out, text(indent, "  ", parameter_name, " ", parameter.dtype(), " ", parameter.shape(), "\n"));
  for (const auto& [shared_name, parameter] : shared_)
    append(out, text(indent, "  ", shared_name, " ", parameter.dtype(), " ", parameter.shape(),
                     ", shared: ", parameter.name(), "\n"));
  for (const Module* const part : parts_) part->append_summary(out, part->name_, depth + 1);
}

std::string Module::summary() const {
  std::string out;
  append_summary(out, name_, 0);
  return out;
}

std::vector<const Module*> Module::modules() const {
  std::vector<const Module*> all{this};
  for (const Module* const part : parts_)
    for (const Module* const module : part->modules()) all.push_back(module);
  return all;
}

std::vector<Var> Module::own_parameters() const {
  std::vector<Var> own;
  for (const auto& [name, parameter] : parameters_) own.push_back(parameter);
  return own;
}

void Module::require_new(const std::string& name) const {
  const auto taken = [&](const auto& parameter) { return parameter.first == name; };
  const auto is_part = [&](const Module* part) { return part->name_ == name; };
  if (name.empty() || name.find('.') != std::string::npos ||
      std::any_of(parameters_.begin(), parameters_.end(), taken) ||
      std::any_of(shared_.begin(), shared_.end(), taken) || std::any_of(parts_.begin(), parts_.end(), is_part))
    throw ConfigError(
        {.what = text(description_, ": \"", name, "\" cannot be the name of another parameter or part"),
         .expected = "a name of its own, not empty and without a dot"});
}

Var Module::register_parameter(std::string name, Tensor value) {
  require_new(name);
  Var parameter = Var::parameter(std::move(value), name);
  parameters_.emplace_back(std::move(name), parameter);
  return parameter;
}

Var Module::share_parameter(std::string name, const Var& parameter) {
  require_new(name);
  shared_.emplace_back(std::move(name), parameter);
  return parameter;
}

void Module::register_module(std::string name, Module& part) {
  require_new(name);
  part.set_path(name);
  part.prefix_paths(name + ".");
  part.name_ = std::move(name);
  parts_.push_back(&part);
}

void Module::prefix_paths(const std::string& prefix) {
  for (auto& [name, parameter] : parameters_) parameter.named(prefix + parameter.name());
  for (Module* const part : parts_) {
    part->set_path(prefix + part->path_);
    part->prefix_paths(prefix);
  }
}

void Module::set_path(std::string path) {
  path_number_ = names::number_of(path);
  path_ = std::move(path);
}

ErrorFrame Module::enter() const {
  const auto describe = [](const void* object, bool innermost, std::string& out) {
    const Module& module = *static_cast<const Module*>(object);
    if (module.name_.empty())
      append(out, module.description_);
    else
      append(out, innermost ? text(module.name_, " (", module.description_, ")") : module.name_);
  };
  if (Observer::watching()) [[unlikely]]
    Observer::tell_all([&](Observer& observer) { observer.entered(path_number_); });
  return ErrorFrame(this, describe, path_number_);
}

}  // namespace heed
