/* Variables, secrets and the log. */

#ifndef PAGESRUN_ENVIRONMENT_HPP
#define PAGESRUN_ENVIRONMENT_HPP

#include "result.hpp"

#include <vector>

namespace pagesrun {

/* var is a variable or a secret. One that is not a string in the configuration is its JSON form. */
inline std::optional<std::string_view> var(const char *name) {
  pr_str v = pr_var(name);
  return detail::maybe(v.data != nullptr, v);
}

/* Variable is a variable with the form it has. */
struct Variable {
  std::string_view value;
  bool is_json; /* it is no string in the configuration; value is its JSON form */
};

/* variable is var with a reason where there is none. */
inline Result<Variable> variable(const char *name) {
  pr_vars_get_request q = {};
  pr_vars_get_reply a;
  pr_code code = pr_vars_get(name, &q, &a);
  if (code != PR_OK) return detail::last(code);
  return Variable{detail::view(a.value), a.is_json};
}

/* secret is a secret. */
inline Result<std::string_view> secret(const char *name) {
  pr_secrets_get_request q = {};
  pr_secrets_get_reply a;
  pr_code code = pr_secrets_get(name, &q, &a);
  if (code != PR_OK) return detail::last(code);
  return detail::view(a.value);
}

/* BindingInfo is the name and the kind ("kv", ...) of a binding. */
struct BindingInfo {
  std::string_view name, kind;
};

/* bindings are all that the configuration has. */
inline Result<std::vector<BindingInfo>> bindings() {
  pr_bindings_request q = {};
  pr_bindings_reply a;
  pr_code code = pr_bindings("", &q, &a);
  if (code != PR_OK) return detail::last(code);
  std::vector<BindingInfo> list;
  for (size_t i = 0; i < a.bindings_len; i++) list.push_back({detail::view(a.bindings[i].name), detail::view(a.bindings[i].kind)});
  return list;
}

/* The four levels of pagesrun's log. */
inline void log_debug(std::string_view text) { pr_log_str(PR_LOG_DEBUG, detail::str(text)); }
inline void log_info(std::string_view text) { pr_log_str(PR_LOG_INFO, detail::str(text)); }
inline void log_warn(std::string_view text) { pr_log_str(PR_LOG_WARN, detail::str(text)); }
inline void log_error(std::string_view text) { pr_log_str(PR_LOG_ERROR, detail::str(text)); }

} // namespace pagesrun

#endif /* PAGESRUN_ENVIRONMENT_HPP */
