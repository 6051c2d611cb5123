/* A stand-in of CUDA's driver for the program that tests a real one: its memory is the host's, and its kernel runs here. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int count(void) {
  const char *visible = getenv("CUDA_VISIBLE_DEVICES");
  if (!visible) return 2;
  if (!*visible) return 0;
  int found = 1;
  for (; *visible; visible++) found += *visible == ',';
  return found;
}
int cuInit(unsigned flags) { return flags != 0 ? 1 : count() == 0 ? 100 : 0; }
int cuDeviceGetCount(int *out) { *out = count(); return 0; }
int cuDeviceGetName(char *out, int size, int device) { strncpy(out, "Stub H200", size); return device >= count(); }
/* The first that is visible, as it is written there: GPU-000000ii-... */
int cuDeviceGetUuid(unsigned char *out, int device) {
  const char *visible = getenv("CUDA_VISIBLE_DEVICES");
  const char *text = visible && !strncmp(visible, "GPU-", 4) ? visible + 4 : "00000000-aaaa-bbbb-cccc-000000000000";
  for (int byte = 0; byte < 16; text++) {
    if (*text == '-') continue;
    char pair[3] = {text[0], text[1], 0};
    out[byte++] = (unsigned char)strtoul(pair, NULL, 16);
    text++;
  }
  return device >= count();
}
int cuDeviceTotalMem_v2(size_t *out, int device) { *out = (size_t)141 << 30; return device >= count(); }
int cuDevicePrimaryCtxRetain(void **out, int device) { *out = (void *)(intptr_t)(device + 1); return 0; }
int cuCtxSetCurrent(void *context) { return context == NULL; }
int cuMemAlloc_v2(uint64_t *out, size_t bytes) { *out = (uint64_t)(uintptr_t)malloc(bytes); return *out == 0; }
int cuModuleLoadData(void **out, const char *text) {
  /* As drivers that have given up old devices. */
  if (strstr(text, "sm_50")) return 218;
  *out = (void *)1;
  return strstr(text, ".visible .entry fill") == NULL;
}
int cuModuleGetFunction(void **out, void *module, const char *name) { *out = (void *)2; return module == NULL || strcmp(name, "fill"); }
int cuLaunchKernel(void *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                   void *stream, void **parameters, void **extra) {
  uint32_t *to = (uint32_t *)(uintptr_t)*(uint64_t *)parameters[0];
  uint32_t size = *(uint32_t *)parameters[1];
  if (f != (void *)2 || gy * gz * by * bz != 1 || gx * bx < size || shared || stream || extra) return 1;
  for (uint32_t index = 0; index < size; index++) to[index] = index * 3;
  return 0;
}
int cuCtxSynchronize(void) { return 0; }
int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t bytes) { memcpy(to, (void *)(uintptr_t)from, bytes); return 0; }
