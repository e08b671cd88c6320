/* KV namespaces. */

#ifndef PAGESRUN_KV_HPP
#define PAGESRUN_KV_HPP

#include "streams.hpp"

namespace pagesrun {

/* KvGet says how to read. */
struct KvGet {
  std::string_view type;              /* PR_KV_TEXT, which is the default, PR_KV_JSON, PR_KV_ARRAY_BUFFER or PR_KV_STREAM */
  std::optional<int64_t> cache_ttl_s; /* for how many seconds the value may be cached, at least 30 */
  bool with_metadata = false;
};

/* KvEntry is what there is under a key. */
struct KvEntry {
  std::string_view key; /* as asked for; only get_bulk fills it */
  bool found = false;
  std::string_view value;
  std::optional<std::string_view> metadata; /* JSON, where it was asked for and is there */
  Reader stream;                            /* the value, where it was asked for as PR_KV_STREAM */
};

/* KvPut says how to write. Of the two expirations only one may be there. */
struct KvPut {
  std::optional<int64_t> expiration;       /* when the key goes, in seconds since the Unix epoch, at least 60 seconds from now */
  std::optional<int64_t> expiration_ttl_s; /* in how many seconds it goes, at least 60 */
  std::optional<std::string_view> metadata; /* JSON of at most 1,024 bytes */
};

/* KvList says which keys to list. */
struct KvList {
  std::string_view prefix;
  std::optional<int64_t> limit; /* the most keys on a page, 1 to 1,000; 1,000 where it is absent */
  std::string_view cursor;      /* of the page before; empty for the first */
};

/* KvKey is a key of a page. */
struct KvKey {
  std::string_view name;
  std::optional<int64_t> expiration; /* in seconds since the Unix epoch */
  std::optional<std::string_view> metadata;
};

/* KvPage is a page of keys. */
struct KvPage {
  std::vector<KvKey> keys;
  bool complete = false;   /* there are no more */
  std::string_view cursor; /* for the next page */
};

namespace detail {

inline Result<KvEntry> take_entry(pr_handle call) {
  pr_kv_get_reply a;
  pr_code code = pr_kv_get_take(call, &a);
  if (code != PR_OK) return last(code);
  return KvEntry{{}, a.found, view(a.value), maybe(a.has_metadata, a.metadata), Reader(a.stream)};
}

inline Result<std::optional<std::string_view>> take_value(pr_handle call) {
  PAGESRUN_TRY(KvEntry e, take_entry(call));
  return e.found ? std::optional<std::string_view>(e.value) : std::nullopt;
}

inline Status take_put(pr_handle call) {
  pr_kv_put_reply a;
  return status(pr_kv_put_take(call, &a));
}

inline Status take_delete(pr_handle call) {
  pr_kv_delete_reply a;
  return status(pr_kv_delete_take(call, &a));
}

} // namespace detail

/* Kv is a namespace. Its name is that of the binding, and nothing is checked before it is used. Reads and writes wait; those called _async start and give a Call.

   Errors beside those of every operation: a key that is empty, "." or "..", or longer than 512 bytes, and options out of their range are PR_INVALID_ARGUMENT or PR_TOO_LARGE with the
   platform's text; a write to a full disk is PR_STORAGE_FULL. */
class Kv {
public:
  constexpr explicit Kv(const char *binding) : binding_(binding) {}

  /* get is the value of a key, nothing where there is none. */
  Result<std::optional<std::string_view>> get(std::string_view key) const { return get_async(key).take(); }
  Call<std::optional<std::string_view>> get_async(std::string_view key) const { return {start_get(key, {}), detail::take_value}; }

  /* get_entry is get with options, and with the metadata. */
  Result<KvEntry> get_entry(std::string_view key, const KvGet &options = {}) const { return get_entry_async(key, options).take(); }
  Call<KvEntry> get_entry_async(std::string_view key, const KvGet &options = {}) const { return {start_get(key, options), detail::take_entry}; }

  /* get_stream is the value as a stream, an empty one where there is none. */
  Result<Reader> get_stream(std::string_view key) const {
    KvGet options;
    options.type = PR_KV_STREAM;
    PAGESRUN_TRY(KvEntry e, get_entry(key, options));
    return std::move(e.stream);
  }

  /* get_bulk reads up to 100 keys. The entries are in the order of the keys, each key once. */
  Result<std::vector<KvEntry>> get_bulk(const std::vector<std::string_view> &keys, const KvGet &options = {}) const {
    std::vector<pr_str> names;
    for (std::string_view k : keys) names.push_back(detail::str(k));
    pr_kv_get_bulk_request q = {};
    pr_kv_get_bulk_reply a;
    q.keys = names.data();
    q.keys_len = names.size();
    q.type = detail::str(options.type);
    detail::put(options.cache_ttl_s, q.has_cache_ttl_s, q.cache_ttl_s);
    q.with_metadata = options.with_metadata;
    pr_code code = pr_kv_get_bulk(binding_, &q, &a);
    if (code != PR_OK) return detail::last(code);
    std::vector<KvEntry> entries;
    for (const pr_kv_entry &e : Span(a.entries, a.entries_len))
      entries.push_back({detail::view(e.key), e.found, detail::view(e.value), detail::maybe(e.has_metadata, e.metadata), Reader()});
    return entries;
  }

  /* put stores a value of at most 25 MiB and returns when it is durable. */
  Status put(std::string_view key, std::string_view value, const KvPut &options = {}) const { return put_async(key, value, options).take(); }
  Call<void> put_async(std::string_view key, std::string_view value, const KvPut &options = {}) const { return start_put(key, value, 0, options); }

  /* put stores what a stream brings: the body of a request, or the readable end of a pipe whose other end is written to after put_async. */
  Status put(std::string_view key, Reader value, const KvPut &options = {}) const { return put_async(key, std::move(value), options).take(); }
  Call<void> put_async(std::string_view key, Reader value, const KvPut &options = {}) const { return start_put(key, {}, value.release(), options); }

  /* remove removes a key; one that is not there is no error. */
  Status remove(std::string_view key) const { return remove_async(key).take(); }
  Call<void> remove_async(std::string_view key) const {
    pr_kv_delete_request q = {};
    q.key = detail::str(key);
    return {pr_kv_delete_start(binding_, &q), detail::take_delete};
  }

  /* list is a page of keys, in the order of their bytes. */
  Result<KvPage> list(const KvList &options = {}) const {
    pr_kv_list_request q = {};
    pr_kv_list_reply a;
    q.prefix = detail::str(options.prefix);
    q.cursor = detail::str(options.cursor);
    detail::put(options.limit, q.has_limit, q.limit);
    pr_code code = pr_kv_list(binding_, &q, &a);
    if (code != PR_OK) return detail::last(code);
    KvPage page{{}, a.list_complete, detail::view(a.cursor)};
    for (const pr_kv_key &k : Span(a.keys, a.keys_len))
      page.keys.push_back({detail::view(k.name), k.has_expiration ? std::optional(k.expiration) : std::nullopt, detail::maybe(k.has_metadata, k.metadata)});
    return page;
  }

private:
  pr_handle start_get(std::string_view key, const KvGet &options) const {
    pr_kv_get_request q = {};
    q.key = detail::str(key);
    q.type = detail::str(options.type);
    detail::put(options.cache_ttl_s, q.has_cache_ttl_s, q.cache_ttl_s);
    q.with_metadata = options.with_metadata;
    return pr_kv_get_start(binding_, &q);
  }

  Call<void> start_put(std::string_view key, std::string_view value, pr_handle stream, const KvPut &options) const {
    pr_kv_put_request q = {};
    q.key = detail::str(key);
    q.value = detail::str(value);
    q.stream = stream;
    detail::put(options.expiration, q.has_expiration, q.expiration);
    detail::put(options.expiration_ttl_s, q.has_expiration_ttl_s, q.expiration_ttl_s);
    q.has_metadata = options.metadata.has_value();
    if (options.metadata) q.metadata = detail::str(*options.metadata);
    return {pr_kv_put_start(binding_, &q), detail::take_put};
  }

  const char *binding_;
};

} // namespace pagesrun

#endif /* PAGESRUN_KV_HPP */
