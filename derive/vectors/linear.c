/* Test vectors of Gradbook, used from C: a linear layer z = x W^T + b in float32, forward and backward.

   gradbook vectors linear -o vectors/ --format safetensors
   cc -O1 -o linear linear.c -lm
   ./linear vectors/linear/0000.safetensors results/linear/0000.safetensors
   gradbook vectors --check vectors/ results/

   A safetensors file is eight bytes of length, a JSON header of that length with the shape and the bytes of every
   array, and the bytes. The truth and the error allowed of each element are float64. */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int axes;
  int64_t shape[64], count;
  void *data;
} array;

static void fail(const char *what, const char *name) {
  fprintf(stderr, "%s: %s\n", what, name);
  exit(2);
}

static unsigned char *file;
static size_t length, header;

static void load(const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f || fseek(f, 0, SEEK_END)) fail("cannot be read", path);
  length = (size_t)ftell(f);
  rewind(f);
  file = malloc(length + 1);
  if (!file || fread(file, 1, length, f) != length || length < 8) fail("cannot be read", path);
  fclose(f);
  for (int k = 7; k >= 0; k--) header = header << 8 | file[k];
  if (header > length - 8) fail("is cut off", path);
}

/* The array of a name; its elements have `size` bytes. */
static array named(const char *name, size_t size) {
  array a = {0, {0}, 1, 0};
  char key[200];
  snprintf(key, sizeof key, "\"%s\":{", name);
  unsigned char first = file[8 + header];
  file[8 + header] = 0; /* ends the header's text */
  char *at = strstr((char *)file + 8, key), *shape = at ? strstr(at, "\"shape\":[") : 0;
  char *offsets = at ? strstr(at, "\"data_offsets\":[") : 0;
  if (!shape || !offsets) fail("there is no array", name);
  for (char *p = shape + 9; *p != ']' && a.axes < 64; p += *p == ',') {
    a.shape[a.axes] = strtoll(p, &p, 10);
    a.count *= a.shape[a.axes++];
  }
  char *p = offsets + 16;
  size_t begin = strtoull(p, &p, 10), end = strtoull(p + 1, &p, 10);
  file[8 + header] = first;
  if (end < begin || end - begin != size * (size_t)a.count || end > length - 8 - header) fail("is cut off", name);
  a.data = malloc(end - begin + 1);
  memcpy(a.data, file + 8 + header + begin, end - begin);
  return a;
}

static array like(array other) {
  other.data = calloc((size_t)other.count + 1, sizeof(float));
  return other;
}

/* How many elements are further from the truth than is allowed. */
static int compared(const char *name, array got) {
  char key[200];
  snprintf(key, sizeof key, "allowed.%s", name);
  double *truth = named(name, 8).data, *allowed = named(key, 8).data;
  float *value = got.data;
  int wrong = 0;
  for (int64_t n = 0; n < got.count; n++)
    if (!isnan(allowed[n]) && !(isfinite(value[n]) && fabs(value[n] - truth[n]) <= allowed[n])) {
      if (!wrong++) printf("%s[%" PRId64 "] is %.9g, the truth %.9g, allowed %.3g\n", name, n, value[n], truth[n], allowed[n]);
    }
  return wrong;
}

static void written(const char *path, const char **names, array *arrays, int many) {
  char text[10000];
  size_t used = (size_t)snprintf(text, sizeof text, "{"), at = 0;
  for (int n = 0; n < many; n++) {
    used += (size_t)snprintf(text + used, sizeof text - used, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", n ? "," : "", names[n]);
    for (int k = 0; k < arrays[n].axes; k++)
      used += (size_t)snprintf(text + used, sizeof text - used, "%s%" PRId64, k ? "," : "", arrays[n].shape[k]);
    size_t end = at + 4 * (size_t)arrays[n].count;
    used += (size_t)snprintf(text + used, sizeof text - used, "],\"data_offsets\":[%zu,%zu]}", at, end);
    at = end;
  }
  used += (size_t)snprintf(text + used, sizeof text - used, "}");
  FILE *f = fopen(path, "wb");
  if (!f) fail("cannot be written", path);
  for (int k = 0; k < 8; k++) fputc((int)(used >> 8 * k & 255), f);
  fwrite(text, 1, used, f);
  for (int n = 0; n < many; n++) fwrite(arrays[n].data, 4, (size_t)arrays[n].count, f);
  fclose(f);
}

int main(int count, char **words) {
  if (count != 3) fail("usage", "linear CASE.safetensors RESULTS.safetensors");
  load(words[1]);
  array x = named("input.x", 4), W = named("input.W", 4), b = named("input.b", 4), dz = named("cotangent.z", 4);
  float *X = x.data, *w = W.data, *bias = b.data, *d = dz.data;
  int64_t out = W.shape[0], in = W.shape[1], rows = in ? x.count / in : 0;

  array z = like(dz), dx = like(x), dW = like(W), db = like(b);
  float *Z = z.data, *DX = dx.data, *DW = dW.data, *DB = db.data;
  if (!in) rows = out ? dz.count / out : 0;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t o = 0; o < out; o++) {
      float sum = 0, g = d[r * out + o];
      for (int64_t i = 0; i < in; i++) {
        sum += X[r * in + i] * w[o * in + i];
        DX[r * in + i] += g * w[o * in + i];
        DW[o * in + i] += g * X[r * in + i];
      }
      Z[r * out + o] = sum + bias[o];
      DB[o] += g;
    }

  const char *names[] = {"output.z", "gradient.x", "gradient.W", "gradient.b"};
  array results[] = {z, dx, dW, db};
  int wrong = 0;
  for (int n = 0; n < 4; n++) wrong += compared(names[n], results[n]);
  written(words[2], names, results, 4);
  printf("%s: %d elements are wrong\n", words[1], wrong);
  return wrong > 0;
}
