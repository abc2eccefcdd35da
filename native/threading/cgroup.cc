#include "native/threading/cgroup.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace octavo {
namespace {

// A file that is open for reading, if it is there.
class Lines {
 public:
  explicit Lines(const std::string& path) : file_(std::fopen(path.c_str(), "r")) {}
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;
  ~Lines() {
    if (file_ != nullptr) std::fclose(file_);
  }

  bool next(std::string* line) {
    line->clear();
    if (file_ == nullptr) return false;
    int c;
    while ((c = std::fgetc(file_)) != EOF && c != '\n') line->push_back(static_cast<char>(c));
    return c != EOF || !line->empty();
  }

 private:
  std::FILE* file_;
};

double firstNumber(const std::string& path) {
  std::string line;
  return Lines(path).next(&line) ? std::atof(line.c_str()) : 0;
}

double ratio(double quota, double period) {
  return quota > 0 && period > 0 ? quota / period : INFINITY;
}

double quotaOf(const std::string& folder) {
  std::string line;
  if (Lines(folder + "/cpu.max").next(&line)) {  // version 2: "quota period" or "max period"
    double quota = 0, period = 0;
    if (std::sscanf(line.c_str(), "%lf %lf", &quota, &period) != 2) return INFINITY;
    return ratio(quota, period);
  }
  return ratio(firstNumber(folder + "/cpu.cfs_quota_us"),  // version 1; -1 is none
               firstNumber(folder + "/cpu.cfs_period_us"));
}

// In a container the path may be the host's, of which only the root is to be seen; so what is not
// there has no quota.
double tightest(const std::string& mount, std::string path) {
  double least = quotaOf(mount);
  while (!path.empty()) {
    if (path.back() != '/') least = std::min(least, quotaOf(mount + path));
    path.resize(path.find_last_of('/') == std::string::npos ? 0 : path.find_last_of('/'));
  }
  return least;
}

bool lists(const std::string& controllers, const char* wanted) {
  return ("," + controllers + ",").find("," + std::string(wanted) + ",") != std::string::npos;
}

}  // namespace

double cgroupQuota(const std::string& root) {
  const std::string mounts = root + "/sys/fs/cgroup";
  double least = INFINITY;
  std::string line;
  // Lines of "id:controllers:path"; version 2 has no controllers there.
  for (Lines groups(root + "/proc/self/cgroup"); groups.next(&line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      least = std::min({least, tightest(mounts, path), tightest(mounts + "/unified", path)});
    } else if (lists(controllers, "cpu")) {
      least = std::min(
          {least, tightest(mounts + "/" + controllers, path), tightest(mounts + "/cpu", path)});
    }
  }
  return least;
}

}  // namespace octavo
