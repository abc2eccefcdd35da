// What can go wrong below the border. Native code throws nothing of its own: a function that can
// fail returns a Status, and the binding turns it into an OctavoError with the same code.
#pragma once

#include <string>
#include <utility>

namespace octavo {

class Status {
 public:
  Status() = default;
  // `code` is one of the codes of src/core/errors.ts; it must outlive the Status (a literal does).
  static Status error(const char* code, std::string what) { return Status(code, std::move(what)); }

  bool ok() const { return code_ == nullptr; }
  const char* code() const { return code_; }
  const std::string& what() const { return what_; }

 private:
  Status(const char* code, std::string what) : code_(code), what_(std::move(what)) {}

  const char* code_ = nullptr;
  std::string what_;
};

#define OCTAVO_RETURN_IF_ERROR(expression)                                      \
  do {                                                                          \
    if (::octavo::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

}  // namespace octavo
