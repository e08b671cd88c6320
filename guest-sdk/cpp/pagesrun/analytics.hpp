/* Data points for Analytics Engine datasets. */

#ifndef PAGESRUN_ANALYTICS_HPP
#define PAGESRUN_ANALYTICS_HPP

#include "result.hpp"

#include <vector>

namespace pagesrun {

/* Point is a data point: an index of at most 96 bytes, up to 20 blobs of together at most 16,000 bytes, up to 20 doubles. */
struct Point {
  std::string_view index; /* what points are sampled by */
  std::vector<std::string_view> blobs;
  std::vector<double> doubles;
};

/* Dataset is a dataset. Its name is that of the binding. */
class Dataset {
public:
  constexpr explicit Dataset(const char *binding) : binding_(binding) {}

  /* write writes a point. It never fails and never waits; a point beyond a limit is dropped, counted and named in the log. */
  void write(const Point &point) const {
    std::vector<pr_str> blobs;
    for (std::string_view b : point.blobs) blobs.push_back(detail::str(b));
    pr_point(binding_, detail::str(point.index), blobs.data(), blobs.size(), point.doubles.data(), point.doubles.size());
  }

private:
  const char *binding_;
};

} // namespace pagesrun

#endif /* PAGESRUN_ANALYTICS_HPP */
