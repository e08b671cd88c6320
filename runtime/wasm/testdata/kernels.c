// Kernels for measuring what the rewriting pass costs. Each takes a repetition count and gives a checksum.
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned char u8;
#define EXPORT(name) __attribute__((export_name(#name), noinline)) u32 name(u32 n)

EXPORT(add) {
  u32 s = 0;
  for (u32 i = 0; i < n; i++) {
    s += i;
    __asm__ volatile("" : "+r"(s));
  }
  return s;
}

static u8 composite[1 << 20];
EXPORT(sieve) {
  u32 count = 0, size = sizeof composite;
  for (u32 r = 0; r < n; r++) {
    count = 0;
    for (u32 i = 0; i < size; i++) composite[i] = 0;
    for (u32 i = 2; i < size; i++) {
      if (composite[i]) continue;
      count++;
      for (u32 j = i * 2; j < size; j += i) composite[j] = 1;
    }
  }
  return count;
}

static double ma[128][128], mb[128][128], mc[128][128];
EXPORT(matmul) {
  for (u32 i = 0; i < 128; i++)
    for (u32 j = 0; j < 128; j++) ma[i][j] = i + j, mb[i][j] = i - (double)j;
  for (u32 r = 0; r < n; r++)
    for (u32 i = 0; i < 128; i++)
      for (u32 j = 0; j < 128; j++) {
        double s = 0;
        for (u32 k = 0; k < 128; k++) s += ma[i][k] * mb[k][j];
        mc[i][j] = s;
      }
  return (u32)(long long)mc[17][99];
}

static __attribute__((noinline)) u32 fibonacci(u32 n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
EXPORT(fib) { return fibonacci(n); }

static u32 sha_k[64], sha_h[8];
static __attribute__((noinline)) void sha_block(const u8 *p) {
  u32 w[64], a = sha_h[0], b = sha_h[1], c = sha_h[2], d = sha_h[3], e = sha_h[4], f = sha_h[5], g = sha_h[6], h = sha_h[7];
#define ROR(x, k) ((x) >> (k) | (x) << (32 - (k)))
  for (int i = 0; i < 16; i++) w[i] = p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 | p[4 * i + 3];
  for (int i = 16; i < 64; i++) {
    u32 s0 = ROR(w[i - 15], 7) ^ ROR(w[i - 15], 18) ^ w[i - 15] >> 3, s1 = ROR(w[i - 2], 17) ^ ROR(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  for (int i = 0; i < 64; i++) {
    u32 t1 = h + (ROR(e, 6) ^ ROR(e, 11) ^ ROR(e, 25)) + ((e & f) ^ (~e & g)) + sha_k[i] + w[i];
    u32 t2 = (ROR(a, 2) ^ ROR(a, 13) ^ ROR(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  sha_h[0] += a, sha_h[1] += b, sha_h[2] += c, sha_h[3] += d, sha_h[4] += e, sha_h[5] += f, sha_h[6] += g, sha_h[7] += h;
}
EXPORT(sha256) {
  for (int i = 0; i < 64; i++) sha_k[i] = i * 0x9e3779b9u;
  for (int i = 0; i < 8; i++) sha_h[i] = i * 0x85ebca6bu + 1;
  for (u32 r = 0; r < n; r++) sha_block(composite + r % 4096);
  return sha_h[0];
}

static u8 from[1 << 16], to[1 << 16];
EXPORT(bytes) {
  u32 s = 0;
  for (u32 r = 0; r < n; r++) {
    for (u32 i = 0; i < sizeof from; i++) {
      to[i] = from[i] ^ (u8)r;
      __asm__ volatile("" ::: "memory");
    }
    s += to[r % sizeof to];
  }
  return s;
}

static u32 values[1 << 14];
static void quick(u32 *v, int lo, int hi) {
  while (lo < hi) {
    u32 pivot = v[(lo + hi) / 2];
    int i = lo, j = hi;
    while (i <= j) {
      while (v[i] < pivot) i++;
      while (v[j] > pivot) j--;
      if (i <= j) {
        u32 t = v[i];
        v[i++] = v[j];
        v[j--] = t;
      }
    }
    quick(v, lo, j);
    lo = i;
  }
}
EXPORT(sort) {
  u32 x = 1, count = sizeof values / sizeof *values;
  for (u32 r = 0; r < n; r++) {
    for (u32 i = 0; i < count; i++) values[i] = x = x * 1664525u + 1013904223u;
    quick(values, 0, count - 1);
  }
  return values[77];
}

static double px[5], py[5], pz[5], vx[5], vy[5], vz[5], mass[5];
EXPORT(nbody) {
  for (int i = 0; i < 5; i++) px[i] = i * 1.3, py[i] = i * i - 1.7, pz[i] = 0.3 * i, vx[i] = 0.01 * i, vy[i] = 0.02, vz[i] = -0.01 * i, mass[i] = 1 + i;
  for (u32 r = 0; r < n; r++) {
    for (int i = 0; i < 5; i++)
      for (int j = i + 1; j < 5; j++) {
        double dx = px[i] - px[j], dy = py[i] - py[j], dz = pz[i] - pz[j];
        double d2 = dx * dx + dy * dy + dz * dz + 0.01, mag = 0.001 / (d2 * __builtin_sqrt(d2));
        vx[i] -= dx * mass[j] * mag, vy[i] -= dy * mass[j] * mag, vz[i] -= dz * mass[j] * mag;
        vx[j] += dx * mass[i] * mag, vy[j] += dy * mass[i] * mag, vz[j] += dz * mass[i] * mag;
      }
    for (int i = 0; i < 5; i++) px[i] += 0.001 * vx[i], py[i] += 0.001 * vy[i], pz[i] += 0.001 * vz[i];
  }
  return (u32)(long long)(px[2] * 1e6);
}

static u8 program[] = {0, 1, 2, 0, 3, 1, 4, 0, 5};
EXPORT(interpreter) {
  u32 acc = 1, pc = 0, x = 0;
  for (u32 left = n; left > 0; left--) {
    switch (program[pc]) {
    case 0: acc += x; pc++; break;
    case 1: acc ^= acc << 13; pc++; break;
    case 2: acc ^= acc >> 17; pc++; break;
    case 3: x = acc & 0xff; pc++; break;
    case 4: acc = acc * 31 + 7; pc++; break;
    case 5: pc = 0; break;
    default: return 0;
    }
    __asm__ volatile("" : "+r"(acc));
  }
  return acc;
}

static u32 __attribute__((noinline)) mix(u32 a, u32 b) { return (a ^ b) * 0x9e3779b1u; }
EXPORT(calls) {
  u32 s = 0;
  for (u32 i = 0; i < n; i++) s = mix(s, i);
  return s;
}
