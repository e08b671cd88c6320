/* Reads as many keys as the query parameter n says, or marks the order in the request's body as paid. */

#include "pagesrun.hpp"

#include <charconv>
#include <string>

#include <nlohmann/json.hpp>

using json = nlohmann::ordered_json;

static void read(pagesrun::Request &req, pagesrun::Response &res) {
  std::string_view n = req.query("n").value_or("0");
  int gets = 0;
  std::from_chars(n.data(), n.data() + n.size(), gets);
  pagesrun::Kv bench("BENCH");
  size_t bytes = 0;
  char key[] = "key-000";
  for (int i = 0; i < gets; i++) {
    int k = i * 7 % 1000;
    key[4] = char('0' + k / 100), key[5] = char('0' + k / 10 % 10), key[6] = char('0' + k % 10);
    auto value = bench.get(key);
    if (!value) return (void)res.status(500).text(value.error().text);
    bytes += value->value_or("").size();
  }
  res.text(std::to_string(bytes));
}

static void pay(pagesrun::Request &req, pagesrun::Response &res) {
  auto body = req.body(1 << 20);
  if (!body) return (void)res.status(500).text(body.error().text);
  json order = json::parse(*body, nullptr, false);
  if (order.is_discarded()) return (void)res.status(400).text("no JSON");
  int64_t sum = 0;
  for (const json &item : order["items"]) sum += item["quantity"].get<int64_t>() * item["price_cents"].get<int64_t>();
  if (sum != order["total_cents"].get<int64_t>()) return (void)res.status(400).text("the sum is wrong");
  order["status"] = "paid";
  res.json(order.dump());
}

static void fetch(pagesrun::Request &req, pagesrun::Response &res) { req.path() == "/kv" ? read(req, res) : pay(req, res); }

PAGESRUN_FETCH(fetch)
