/* ---- CBOR ------------------------------------------------------------------------------------------------------------- */

#include <string.h>

/* pr_alloc gives memory until the end of the event and never fails. */
void *pr_alloc(size_t size);

/* pr_extend makes the memory taken last, which ends at end, longer by at least more bytes, if there is room after it. */
bool pr_extend(void *end, size_t more);

/* pr_buf is a message being written; it grows in the event's memory. */
typedef struct pr_buf {
  unsigned char *data;
  size_t len, cap;
} pr_buf;

#define PR_RARE static __attribute__((noinline))

/* pr_buf_grow makes room for n more bytes. */
PR_RARE void pr_buf_grow(pr_buf *b, size_t n) {
  size_t cap = b->len + n < 256 ? 256 : (b->len + n) * 3 / 2;
  if (b->cap && pr_extend(b->data + b->cap, cap - b->cap)) {
    b->cap = cap;
    return;
  }
  unsigned char *data = (unsigned char *)pr_alloc(cap);
  if (b->len) memcpy(data, b->data, b->len);
  b->data = data;
  b->cap = cap;
}

static inline void pr_buf_reserve(pr_buf *b, size_t n) {
  if (b->len + n > b->cap) pr_buf_grow(b, n);
}

/* pr_put_long_head writes the head of an item whose argument has bytes of its own. */
PR_RARE void pr_put_long_head(pr_buf *b, unsigned major, uint64_t v) {
  unsigned char *p = b->data + b->len;
  int n = v <= 0xff ? 1 : v <= 0xffff ? 2 : v <= 0xffffffff ? 4 : 8;
  p[0] = (unsigned char)(major | (n == 1 ? 24u : n == 2 ? 25u : n == 4 ? 26u : 27u));
  for (int i = n; i > 0; i--, v >>= 8) p[i] = (unsigned char)v;
  b->len += 1 + (size_t)n;
}

/* pr_put_head writes the shortest head of an item. */
static void pr_put_head(pr_buf *b, unsigned major, uint64_t v) {
  pr_buf_reserve(b, 9);
  if (v < 24) b->data[b->len++] = (unsigned char)(major | v);
  else pr_put_long_head(b, major, v);
}

static inline void pr_put_uint(pr_buf *b, uint64_t v) { pr_put_head(b, 0x00, v); }

static inline void pr_put_int(pr_buf *b, int64_t v) {
  if (v < 0) pr_put_head(b, 0x20, ~(uint64_t)v);
  else pr_put_head(b, 0x00, (uint64_t)v);
}

static void pr_put_str(pr_buf *b, unsigned major, pr_str v) {
  pr_put_head(b, major, v.len);
  if (!v.len) return;
  pr_buf_reserve(b, v.len);
  memcpy(b->data + b->len, v.data, v.len);
  b->len += v.len;
}

static inline void pr_put_bytes(pr_buf *b, pr_str v) { pr_put_str(b, 0x40, v); }
static inline void pr_put_text(pr_buf *b, pr_str v) { pr_put_str(b, 0x60, v); }
static inline void pr_put_array(pr_buf *b, size_t n) { pr_put_head(b, 0x80, n); }
static inline void pr_put_map(pr_buf *b, size_t n) { pr_put_head(b, 0xa0, n); }
static inline void pr_put_bool(pr_buf *b, bool v) { pr_put_head(b, 0xe0, v ? 21 : 20); }

static inline void pr_put_handle(pr_buf *b, pr_handle v) {
  pr_put_head(b, 0xc0, PR_TAG_HANDLE);
  pr_put_head(b, 0x00, (uint32_t)v);
}

static inline uint64_t pr_float_bits(double v) {
  uint64_t u;
  memcpy(&u, &v, 8);
  return u;
}

static inline void pr_put_float64(pr_buf *b, double v) {
  uint64_t u = pr_float_bits(v);
  pr_buf_reserve(b, 9);
  unsigned char *p = b->data + b->len;
  p[0] = 0xfb;
  for (int i = 8; i > 0; i--, u >>= 8) p[i] = (unsigned char)u;
  b->len += 9;
}

/* pr_reader takes items off a message. The first problem sticks in err and everything after it yields zero values. The
   message must have one spare byte after its end: each string taken from it gets a terminating zero by overwriting the head of
   the item after it once that head has been read, so a message can be decoded only once. */
typedef struct pr_reader {
  unsigned char *p, *end, *zero;
  const char *err;
  int depth;
  bool empty;
} pr_reader;

static pr_reader pr_reader_of(unsigned char *data, size_t len) {
  pr_reader r = {data, data + len, NULL, NULL, 0, len == 0};
  return r;
}

PR_RARE void pr_bad(pr_reader *r, const char *why) {
  if (!r->err) r->err = why;
  r->p = r->end;
}

/* pr_reader_close reports the first problem, NULL when there was none. */
static const char *pr_reader_close(pr_reader *r) {
  if (!r->err && r->p != r->end) r->err = "bytes follow the message";
  if (!r->err && r->zero == r->end && r->zero) *r->zero = 0;
  return r->err;
}

static inline size_t pr_left(const pr_reader *r) { return (size_t)(r->end - r->p); }

static inline uint32_t pr_bytes4(const unsigned char *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

/* pr_argument takes the bytes of an argument that are its own. */
PR_RARE uint64_t pr_argument(pr_reader *r, unsigned first) {
  unsigned info = first & 0x1f;
  if (info > 27) return pr_bad(r, info == 31 ? "indefinite length" : "reserved item head"), 0;
  size_t n = (size_t)1 << (info - 24);
  if (pr_left(r) < n) return pr_bad(r, "the message ends in the middle of an item"), 0;
  uint64_t v = 0;
  const unsigned char *p = r->p;
  r->p += n;
  if (n == 8) v = (uint64_t)pr_bytes4(p) << 32, p += 4;
  if (n >= 4) v |= pr_bytes4(p);
  else v = n == 2 ? (unsigned)p[0] << 8 | p[1] : *p;
  uint64_t least = info == 24 ? 24 : info == 25 ? 0x100 : info == 26 ? 0x10000 : 0x100000000;
  if (first < 0xe0 && v < least) return pr_bad(r, "number not in its shortest form"), 0;
  return v;
}

/* pr_head takes a head; *first is its first byte. After a problem nothing is left, so there is no more than one. */
static uint64_t pr_head(pr_reader *r, unsigned *first) {
  *first = 0xff;
  unsigned char *p = r->p;
  if (p == r->end) return pr_bad(r, "the message ends in the middle of an item"), 0;
  unsigned c = *first = *p;
  if (p == r->zero) *p = 0;
  r->p = ++p;
  if ((c & 0x1f) < 24) return c & 0x1f;
  if ((c & 0x1f) > 24 || p == r->end || *p < 24) return pr_argument(r, c);
  r->p = p + 1;
  return *p;
}

static uint64_t pr_expect(pr_reader *r, unsigned major, const char *wrong) {
  unsigned first;
  uint64_t v = pr_head(r, &first);
  if (!r->err && (first & 0xe0) != major) return pr_bad(r, wrong), 0;
  return v;
}

static void pr_enter(pr_reader *r) {
  if (++r->depth > PR_DEPTH_MAX) pr_bad(r, "nested too deeply");
}

/* pr_utf8_tail reports whether the bytes from i are UTF-8: no surrogates, nothing longer than needed, nothing above U+10FFFF. */
PR_RARE bool pr_utf8_tail(const unsigned char *p, size_t n, size_t i) {
  while (i < n) {
    unsigned c = p[i++];
    if (c < 0x80) continue;
    size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    unsigned lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80, hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (c < 0xc2 || c > 0xf4 || n - i < more) return false;
    for (; more > 0; more--, lo = 0x80, hi = 0xbf, i++)
      if (p[i] < lo || p[i] > hi) return false;
  }
  return true;
}

/* pr_utf8_ok reports whether n bytes are UTF-8. Most are ASCII, eight at a time. */
static bool pr_utf8_ok(const unsigned char *p, size_t n) {
  size_t i = 0;
  for (uint64_t w; i + 8 <= n; i += 8) {
    memcpy(&w, p + i, 8);
    if (w & 0x8080808080808080) break;
  }
  for (; i < n; i++)
    if (p[i] >= 0x80) return pr_utf8_tail(p, n, i);
  return true;
}

static pr_str pr_take_str(pr_reader *r, unsigned major, const char *wrong) {
  uint64_t n = pr_expect(r, major, wrong);
  pr_str s = {"", 0};
  if (!r->err && n > pr_left(r)) pr_bad(r, "the message ends in the middle of an item");
  if (!r->err && major == 0x60 && !pr_utf8_ok(r->p, (size_t)n)) pr_bad(r, "text is not UTF-8");
  if (r->err || !n) return s;
  s.data = (const char *)r->p;
  s.len = (size_t)n;
  r->zero = r->p += n;
  return s;
}

static inline pr_str pr_take_bytes(pr_reader *r) { return pr_take_str(r, 0x40, "byte string expected"); }
static inline pr_str pr_take_text(pr_reader *r) { return pr_take_str(r, 0x60, "text expected"); }
static inline uint64_t pr_take_uint64(pr_reader *r) { return pr_expect(r, 0x00, "unsigned integer expected"); }

static uint32_t pr_take_uint32(pr_reader *r) {
  uint64_t v = pr_take_uint64(r);
  if (v > 0xffffffff) return pr_bad(r, "number out of range"), 0;
  return (uint32_t)v;
}

static int64_t pr_take_int64(pr_reader *r) {
  unsigned first;
  uint64_t v = pr_head(r, &first);
  if (r->err) return 0;
  if (first >= 0x40) return pr_bad(r, "integer expected"), 0;
  if (v > INT64_MAX) return pr_bad(r, "number out of range"), 0;
  return first >= 0x20 ? -1 - (int64_t)v : (int64_t)v;
}

static inline int32_t pr_take_int32(pr_reader *r) {
  int64_t v = pr_take_int64(r);
  if (v < INT32_MIN || v > INT32_MAX) return pr_bad(r, "number out of range"), 0;
  return (int32_t)v;
}

static bool pr_take_bool(pr_reader *r) {
  unsigned first;
  pr_head(r, &first);
  if (!r->err && first != 0xf4 && first != 0xf5) pr_bad(r, "true or false expected");
  return !r->err && first == 0xf5;
}

static inline double pr_take_float64(pr_reader *r) {
  unsigned first;
  uint64_t u = pr_head(r, &first);
  if (!r->err && first != 0xfb) pr_bad(r, "64-bit float expected");
  if (r->err) return 0;
  double v;
  memcpy(&v, &u, 8);
  return v;
}

static pr_handle pr_take_handle(pr_reader *r) {
  uint64_t tag = pr_expect(r, 0xc0, "tag expected");
  if (!r->err && tag != PR_TAG_HANDLE) pr_bad(r, "another tag expected");
  pr_enter(r);
  uint32_t v = pr_take_uint32(r);
  r->depth--;
  return (pr_handle)v;
}

static size_t pr_take_array(pr_reader *r) {
  uint64_t n = pr_expect(r, 0x80, "array expected");
  pr_enter(r);
  if (r->err) return 0;
  if (n > pr_left(r)) return pr_bad(r, "the message ends in the middle of an item"), 0;
  if (n > PR_ARRAY_ITEMS_MAX) return pr_bad(r, "too many items in an array"), 0;
  return (size_t)n;
}

static inline void pr_end_array(pr_reader *r) { r->depth--; }

/* pr_map is the place within one map; key is the key whose value comes next. */
typedef struct pr_map {
  uint64_t key, left;
  bool inside;
} pr_map;

static pr_map pr_take_map(pr_reader *r) {
  pr_map m = {0, 0, false};
  if (r->empty) return m;
  m.left = pr_expect(r, 0xa0, "map expected");
  pr_enter(r);
  if (!r->err && m.left > pr_left(r) / 2) pr_bad(r, "the message ends in the middle of an item");
  return m;
}

/* pr_next_key is pr_next for keys of more than one byte, and for what is none. */
PR_RARE bool pr_next_key(pr_map *m, pr_reader *r) {
  uint64_t key = pr_expect(r, 0x00, "unsigned integer expected as key");
  if (m->inside && key <= m->key) pr_bad(r, "keys are not in ascending order");
  m->key = key;
  m->inside = true;
  if (!r->err) return true;
  r->depth--;
  return false;
}

static bool pr_next(pr_map *m, pr_reader *r) {
  if (r->err || !m->left) {
    if (!r->empty) r->depth--;
    return false;
  }
  m->left--;
  unsigned char *p = r->p;
  if (p == r->end || *p >= 24 || (m->inside && *p <= m->key)) return pr_next_key(m, r);
  m->key = *p;
  m->inside = true;
  if (p == r->zero) *p = 0;
  r->p = p + 1;
  return true;
}

static void pr_skip(pr_reader *r);

static void pr_skip_items(pr_reader *r, uint64_t n, unsigned per) {
  pr_enter(r);
  if (!r->err && n > pr_left(r) / per) pr_bad(r, "the message ends in the middle of an item");
  for (n *= per; n && !r->err; n--) pr_skip(r);
  r->depth--;
}

/* pr_skip steps over one well-formed item of any kind. */
static void pr_skip(pr_reader *r) {
  unsigned first;
  uint64_t v = pr_head(r, &first);
  if (r->err) return;
  switch (first & 0xe0) {
  case 0x40:
  case 0x60:
    if (v > pr_left(r)) pr_bad(r, "the message ends in the middle of an item");
    else if ((first & 0xe0) == 0x60 && !pr_utf8_ok(r->p, (size_t)v)) pr_bad(r, "text is not UTF-8");
    else r->p += v;
    break;
  case 0x80: pr_skip_items(r, v, 1); break;
  case 0xa0: pr_skip_items(r, v, 2); break;
  case 0xc0: pr_skip_items(r, 1, 1); break;
  case 0xe0:
    if (first == 0xf8 && v < 32) pr_bad(r, "invalid simple value");
    break;
  }
}
