/*
 * A libnvidia-ml.so.1 for tests. What its GPUs are and do is read anew for every call from the file `state` beside it, and
 * events from the file `events`; stub-nvml.ts writes both. What the state does not name is "not supported", as with a
 * driver that does not know it. Signatures and layouts are those of NVML; nothing else of it is here.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS = 0, UNINITIALIZED = 1, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7, TIMEOUT = 10, LOST = 15 };
enum { MAX_GPUS = 64, MAX_SLICES = 8, MAX_PROCESSES = 256, MAX_LINKS = 36, MAX_ERRORS = 32, TEXT = 128 };

typedef struct { char kind; unsigned pid; long long mb; } process;
typedef struct { int number; char kind; char pci[TEXT]; } link_end;
typedef struct {
  char uuid[TEXT], name[TEXT];
  long long memory_mb, used_mb;
  unsigned gi, ci;
  process processes[MAX_PROCESSES];
  int process_count;
} place;
typedef struct {
  place whole, slices[MAX_SLICES];
  int slice_count, link_count;
  link_end links[MAX_LINKS];
  char pci[TEXT];
  long long lost, gone, mig, utilization, memory_utilization, temperature, slowdown, margin, power_mw, power_limit_mw, clock,
      memory_clock, max_clock, energy_mj, ecc, ecc_corrected, ecc_uncorrected, throttle, events;
} gpu;
typedef struct { char function[TEXT]; int code, gpu; } fault;

static gpu gpus[MAX_GPUS];
static int gpu_count, fault_count;
static fault faults[MAX_ERRORS];
static char driver[TEXT];
static long long cuda;
static int is_initialized;
static int events_taken;
static unsigned long long registered[MAX_GPUS];

static FILE *beside(const char *name) {
  Dl_info info;
  char path[4096];
  if (!dladdr((void *)beside, &info)) return NULL;
  snprintf(path, sizeof path, "%s", info.dli_fname);
  char *slash = strrchr(path, '/');
  if (!slash) return NULL;
  snprintf(slash + 1, sizeof path - (slash + 1 - path), "%s", name);
  return fopen(path, "r");
}

static void clear_gpu(gpu *it) {
  memset(it, 0, sizeof *it);
  for (long long *field = &it->mig; field <= &it->events; field += 1) *field = -1;
  it->whole.memory_mb = it->whole.used_mb = -1;
  it->whole.gi = it->whole.ci = 0xFFFFFFFFu;
}

static void read_number(gpu *it, const char *key, long long value) {
  const struct { const char *key; long long *field; } table[] = {
      {"lost", &it->lost}, {"gone", &it->gone}, {"mig", &it->mig}, {"memory_mb", &it->whole.memory_mb},
      {"used_mb", &it->whole.used_mb}, {"utilization", &it->utilization}, {"memory_utilization", &it->memory_utilization},
      {"temperature", &it->temperature}, {"slowdown", &it->slowdown}, {"margin", &it->margin}, {"power_mw", &it->power_mw},
      {"power_limit_mw", &it->power_limit_mw}, {"clock", &it->clock}, {"memory_clock", &it->memory_clock},
      {"max_clock", &it->max_clock}, {"energy_mj", &it->energy_mj}, {"ecc", &it->ecc}, {"ecc_corrected", &it->ecc_corrected},
      {"ecc_uncorrected", &it->ecc_uncorrected}, {"throttle", &it->throttle}, {"events", &it->events}};
  for (size_t at = 0; at < sizeof table / sizeof *table; at += 1)
    if (strcmp(table[at].key, key) == 0) *table[at].field = value;
}

static void read_gpu_line(gpu *it, const char *key, const char *value) {
  place *last = it->slice_count > 0 ? &it->slices[it->slice_count - 1] : &it->whole;
  if (strcmp(key, "name") == 0) snprintf(it->whole.name, TEXT, "%s", value);
  else if (strcmp(key, "pci") == 0) snprintf(it->pci, TEXT, "%s", value);
  else if (strcmp(key, "process") == 0 && last->process_count < MAX_PROCESSES) {
    process *one = &last->processes[last->process_count];
    if (sscanf(value, "%c %u %lld", &one->kind, &one->pid, &one->mb) == 3) last->process_count += 1;
  } else if (strcmp(key, "link") == 0 && it->link_count < MAX_LINKS) {
    link_end *one = &it->links[it->link_count];
    if (sscanf(value, "%d %c %127s", &one->number, &one->kind, one->pci) == 3) it->link_count += 1;
  } else if (strcmp(key, "slice") == 0 && it->slice_count < MAX_SLICES) {
    place *one = &it->slices[it->slice_count];
    if (sscanf(value, "%u %u %lld %lld %127s %127[^\n]", &one->gi, &one->ci, &one->memory_mb, &one->used_mb, one->uuid, one->name) == 6)
      it->slice_count += 1;
  } else read_number(it, key, strtoll(value, NULL, 0));
}

static void read_state(void) {
  char line[1024];
  gpu_count = fault_count = 0;
  driver[0] = 0;
  cuda = -1;
  FILE *file = beside("state");
  if (!file) return;
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = 0;
    char *value = strchr(line, ' ');
    if (!value) continue;
    *value++ = 0;
    if (strcmp(line, "driver") == 0) snprintf(driver, TEXT, "%s", value);
    else if (strcmp(line, "cuda") == 0) cuda = atoll(value);
    else if (strcmp(line, "fault") == 0 && fault_count < MAX_ERRORS) {
      fault *one = &faults[fault_count];
      if (sscanf(value, "%127s %d %d", one->function, &one->code, &one->gpu) == 3) fault_count += 1;
    } else if (strcmp(line, "gpu") == 0 && gpu_count < MAX_GPUS) {
      clear_gpu(&gpus[gpu_count]);
      snprintf(gpus[gpu_count++].whole.uuid, TEXT, "%s", value);
    } else if (gpu_count > 0) read_gpu_line(&gpus[gpu_count - 1], line, value);
  }
  fclose(file);
}

/* What a handle is: of GPU n its number from 1; of its slices that, plus 1000 for each. */
static gpu *gpu_of(void *handle) { return &gpus[(((long)handle - 1) % 1000) % MAX_GPUS]; }
static place *place_of(void *handle) {
  long slice = (long)handle / 1000;
  return slice == 0 ? &gpu_of(handle)->whole : &gpu_of(handle)->slices[(slice - 1) % MAX_SLICES];
}
static int is_slice(void *handle) { return (long)handle > 1000; }

/* Reads the state, and does what it says of this function: -1 hangs, -2 crashes, else that is its answer. */
static int enter(const char *function, void *handle) {
  read_state();
  for (int at = 0; at < fault_count; at += 1) {
    if (strcmp(faults[at].function, "*") != 0 && strcmp(faults[at].function, function) != 0) continue;
    if (faults[at].gpu >= 0 && (!handle || faults[at].gpu != ((long)handle - 1) % 1000)) continue;
    if (faults[at].code == -1) for (;;) sleep(600);
    if (faults[at].code == -2) abort();
    return faults[at].code;
  }
  if (!is_initialized && strcmp(function, "nvmlInit_v2") != 0) return UNINITIALIZED;
  return handle && gpu_of(handle)->lost > 0 ? LOST : SUCCESS;
}
#define ENTER(handle) do { int code = enter(__func__, handle); if (code != SUCCESS) return code; } while (0)

static int tell(unsigned *out, long long value) {
  if (value < 0) return NOT_SUPPORTED;
  *out = (unsigned)value;
  return SUCCESS;
}
static int tell_long(unsigned long long *out, long long value) {
  if (value < 0) return NOT_SUPPORTED;
  *out = (unsigned long long)value;
  return SUCCESS;
}
static int tell_text(char *out, unsigned size, const char *value) {
  if (!*value) return NOT_SUPPORTED;
  if (strlen(value) >= size) return TOO_SMALL;
  strcpy(out, value);
  return SUCCESS;
}
/* Of the whole GPU alone, as the driver has it. */
#define TELL_WHOLE(name, field)                                   \
  int name(void *device, unsigned *out) {                         \
    ENTER(device);                                                \
    return is_slice(device) ? NOT_SUPPORTED : tell(out, gpu_of(device)->field); \
  }

int nvmlInit_v2(void) { ENTER(NULL); is_initialized = 1; return SUCCESS; }
int nvmlShutdown(void) { ENTER(NULL); is_initialized = 0; return SUCCESS; }
int nvmlSystemGetDriverVersion(char *text, unsigned size) { ENTER(NULL); return tell_text(text, size, driver); }
int nvmlSystemGetCudaDriverVersion_v2(int *out) { ENTER(NULL); return tell((unsigned *)out, cuda); }

int nvmlDeviceGetCount_v2(unsigned *count) {
  ENTER(NULL);
  *count = 0;
  for (int at = 0; at < gpu_count; at += 1) *count += gpus[at].gone <= 0;
  return SUCCESS;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
  read_state();
  for (int at = 0; at < gpu_count; at += 1) {
    if (gpus[at].gone > 0 || index-- > 0) continue;
    void *handle = (void *)(long)(at + 1);
    ENTER(handle);
    *device = handle;
    return SUCCESS;
  }
  return INVALID;
}
int nvmlDeviceGetUUID(void *device, char *text, unsigned size) { ENTER(device); return tell_text(text, size, place_of(device)->uuid); }
int nvmlDeviceGetName(void *device, char *text, unsigned size) { ENTER(device); return tell_text(text, size, place_of(device)->name); }

typedef struct { unsigned long long total, free, used; } memory;
int nvmlDeviceGetMemoryInfo(void *device, memory *out) {
  ENTER(device);
  const place *it = place_of(device);
  if (it->memory_mb < 0) return NOT_SUPPORTED;
  out->total = (unsigned long long)it->memory_mb << 20;
  out->used = (unsigned long long)(it->used_mb < 0 ? 0 : it->used_mb) << 20;
  out->free = out->total - out->used;
  return SUCCESS;
}
typedef struct { char legacy[16]; unsigned domain, bus, device, id, sub; char bus_id[32]; } pci;
int nvmlDeviceGetPciInfo_v3(void *device, pci *out) {
  ENTER(device);
  memset(out, 0, sizeof *out);
  return tell_text(out->bus_id, sizeof out->bus_id, gpu_of(device)->pci);
}
typedef struct { unsigned gpu, memory; } utilization;
int nvmlDeviceGetUtilizationRates(void *device, utilization *out) {
  ENTER(device);
  if (is_slice(device) || tell(&out->gpu, gpu_of(device)->utilization)) return NOT_SUPPORTED;
  if (tell(&out->memory, gpu_of(device)->memory_utilization)) out->memory = 0;
  return SUCCESS;
}
int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *out) {
  ENTER(device);
  return sensor != 0 || is_slice(device) ? NOT_SUPPORTED : tell(out, gpu_of(device)->temperature);
}
int nvmlDeviceGetTemperatureThreshold(void *device, int which, unsigned *out) {
  ENTER(device);
  return which != 1 || is_slice(device) ? NOT_SUPPORTED : tell(out, gpu_of(device)->slowdown);
}
typedef struct { unsigned version; int margin; } margin;
int nvmlDeviceGetMarginTemperature(void *device, margin *out) {
  ENTER(device);
  if (out->version != (sizeof *out | 1u << 24)) return 25;
  return is_slice(device) ? NOT_SUPPORTED : tell((unsigned *)&out->margin, gpu_of(device)->margin);
}
TELL_WHOLE(nvmlDeviceGetPowerUsage, power_mw)
TELL_WHOLE(nvmlDeviceGetPowerManagementLimit, power_limit_mw)
int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *out) {
  ENTER(device);
  return is_slice(device) ? NOT_SUPPORTED : tell_long(out, gpu_of(device)->energy_mj);
}
int nvmlDeviceGetClockInfo(void *device, int which, unsigned *out) {
  ENTER(device);
  return tell(out, which == 1 ? gpu_of(device)->clock : which == 2 ? gpu_of(device)->memory_clock : -1);
}
int nvmlDeviceGetMaxClockInfo(void *device, int which, unsigned *out) {
  ENTER(device);
  return tell(out, which == 1 ? gpu_of(device)->max_clock : -1);
}
int nvmlDeviceGetEccMode(void *device, unsigned *now, unsigned *pending) {
  ENTER(device);
  return tell(pending, gpu_of(device)->ecc) ? NOT_SUPPORTED : tell(now, gpu_of(device)->ecc);
}
int nvmlDeviceGetTotalEccErrors(void *device, int type, int counter, unsigned long long *out) {
  ENTER(device);
  if (counter != 0) return NOT_SUPPORTED;
  return tell_long(out, type == 0 ? gpu_of(device)->ecc_corrected : gpu_of(device)->ecc_uncorrected);
}
int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *out) {
  ENTER(device);
  return tell_long(out, gpu_of(device)->throttle);
}

static const link_end *link_of(void *device, unsigned number) {
  const gpu *it = gpu_of(device);
  for (int at = 0; at < it->link_count; at += 1)
    if (it->links[at].number == (int)number) return &it->links[at];
  return NULL;
}
int nvmlDeviceGetNvLinkState(void *device, unsigned number, unsigned *out) {
  ENTER(device);
  if (number >= MAX_LINKS) return INVALID;
  if (gpu_of(device)->link_count == 0) return NOT_SUPPORTED;
  *out = link_of(device, number) != NULL;
  return SUCCESS;
}
int nvmlDeviceGetNvLinkRemoteDeviceType(void *device, unsigned number, unsigned *out) {
  ENTER(device);
  const link_end *end = link_of(device, number);
  return end ? tell(out, end->kind == 's' ? 2 : 0) : NOT_SUPPORTED;
}
int nvmlDeviceGetNvLinkRemotePciInfo_v2(void *device, unsigned number, pci *out) {
  ENTER(device);
  const link_end *end = link_of(device, number);
  memset(out, 0, sizeof *out);
  return end ? tell_text(out->bus_id, sizeof out->bus_id, end->pci) : NOT_SUPPORTED;
}
int nvmlDeviceGetP2PStatus(void *a, void *b, int which, unsigned *out) {
  ENTER(a);
  const gpu *from = gpu_of(a), *to = gpu_of(b);
  *out = 5;
  for (int one = 0; which == 2 && one < from->link_count; one += 1)
    for (int other = 0; other < to->link_count; other += 1)
      if (from->links[one].kind == 's' ? to->links[other].kind == 's' : strcmp(from->links[one].pci, to->pci) == 0) *out = 0;
  return SUCCESS;
}

int nvmlDeviceGetMigMode(void *device, unsigned *now, unsigned *pending) {
  ENTER(device);
  return tell(pending, gpu_of(device)->mig) ? NOT_SUPPORTED : tell(now, gpu_of(device)->mig);
}
int nvmlDeviceGetMaxMigDeviceCount(void *device, unsigned *out) {
  ENTER(device);
  *out = gpu_of(device)->mig < 0 ? 0 : 2 * MAX_SLICES;
  return SUCCESS;
}
int nvmlDeviceGetMigDeviceHandleByIndex(void *device, unsigned index, void **out) {
  ENTER(device);
  /* With a hole before each: a driver numbers them with gaps. */
  const long slice = index / 2;
  if (index % 2 == 0 || slice >= gpu_of(device)->slice_count) return NOT_FOUND;
  *out = (void *)((long)device + 1000 * (slice + 1));
  return SUCCESS;
}
int nvmlDeviceGetGpuInstanceId(void *device, unsigned *out) { ENTER(device); return tell(out, place_of(device)->gi); }
int nvmlDeviceGetComputeInstanceId(void *device, unsigned *out) { ENTER(device); return tell(out, place_of(device)->ci); }

typedef struct { unsigned pid; unsigned long long used; unsigned gi, ci; } process_info;
static int tell_processes(void *device, char kind, unsigned *count, process_info *out) {
  const place *it = place_of(device);
  unsigned found = 0;
  for (int at = 0; at < it->process_count; at += 1) found += it->processes[at].kind == kind;
  if (found > *count) { *count = found; return TOO_SMALL; }
  *count = 0;
  for (int at = 0; at < it->process_count; at += 1) {
    const process *one = &it->processes[at];
    if (one->kind != kind) continue;
    const unsigned long long used = one->mb < 0 ? ~0ull : (unsigned long long)one->mb << 20;
    out[(*count)++] = (process_info){one->pid, used, it->gi, it->ci};
  }
  return SUCCESS;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, process_info *out) { ENTER(device); return tell_processes(device, 'c', count, out); }
int nvmlDeviceGetComputeRunningProcesses_v2(void *device, unsigned *count, process_info *out) { ENTER(device); return tell_processes(device, 'c', count, out); }
int nvmlDeviceGetGraphicsRunningProcesses_v3(void *device, unsigned *count, process_info *out) { ENTER(device); return tell_processes(device, 'g', count, out); }
int nvmlDeviceGetGraphicsRunningProcesses_v2(void *device, unsigned *count, process_info *out) { ENTER(device); return tell_processes(device, 'g', count, out); }
int nvmlDeviceGetMPSComputeRunningProcesses_v3(void *device, unsigned *count, process_info *out) { ENTER(device); return tell_processes(device, 'm', count, out); }

typedef struct { void *device; unsigned long long type, data; unsigned gi, ci; } event;
/* The event of line `number` of the file; 0 when there is none yet. `kind` 8 is an XID. */
static int read_event(int number, event *out) {
  char line[256];
  int at = 0, found = 0;
  FILE *file = beside("events");
  if (!file) return 0;
  while (!found && fgets(line, sizeof line, file)) {
    int index;
    if (at++ != number || !strchr(line, '\n')) continue;
    found = sscanf(line, "%d %llu %llu %u %u", &index, &out->type, &out->data, &out->gi, &out->ci) == 5;
    out->device = (void *)(long)(index + 1);
  }
  fclose(file);
  return found;
}
int nvmlEventSetCreate(void **set) {
  event ignored;
  ENTER(NULL);
  *set = (void *)1;
  memset(registered, 0, sizeof registered);
  for (events_taken = 0; read_event(events_taken, &ignored);) events_taken += 1;
  return SUCCESS;
}
int nvmlEventSetFree(void *set) { ENTER(NULL); (void)set; return SUCCESS; }
int nvmlDeviceGetSupportedEventTypes(void *device, unsigned long long *out) {
  ENTER(device);
  *out = gpu_of(device)->events > 0 ? 0xF : 0;
  return SUCCESS;
}
int nvmlDeviceRegisterEvents(void *device, unsigned long long types, void *set) {
  ENTER(device);
  if (is_slice(device) || gpu_of(device)->events <= 0) return NOT_SUPPORTED;
  (void)set;
  registered[gpu_of(device) - gpus] |= types;
  return SUCCESS;
}
int nvmlEventSetWait_v2(void *set, event *out, unsigned timeout_ms) {
  ENTER(NULL);
  (void)set;
  while (read_event(events_taken, out)) {
    events_taken += 1;
    if (registered[gpu_of(out->device) - gpus] & out->type) return SUCCESS;
  }
  usleep(timeout_ms * 1000);
  return TIMEOUT;
}
