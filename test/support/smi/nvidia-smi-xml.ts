/** What `nvidia-smi -q -x` writes of stub GPUs, with the names that drivers of a version have for things. */
import type { StubGpu, StubProcess, StubSlice } from "../nvml/stub-nvml.ts";

/** 11 is that of drivers before 520, 12 before 570, 13 since. */
export type XmlSchema = 11 | 12 | 13;

export interface XmlDriver {
  readonly schema?: XmlSchema;
  readonly driverVersion?: string;
  readonly cudaVersion?: string;
  readonly gpus: readonly StubGpu[];
  /** How many there are, where that is more than are described. */
  readonly attached?: number;
}

export function nvidiaSmiXml(driver: XmlDriver): string {
  const { schema = 13, gpus, driverVersion = "580.95.05", cudaVersion = "13.0", attached = gpus.length } = driver;
  return `<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v${schema}.dtd">
<nvidia_smi_log>
	<timestamp>Tue Dec 30 09:49:57 2025</timestamp>
	<driver_version>${driverVersion}</driver_version>
	<cuda_version>${cudaVersion}</cuda_version>
	<attached_gpus>${attached}</attached_gpus>
${gpus.map((gpu) => gpuXml(gpu, schema)).join("\n")}
</nvidia_smi_log>
`;
}

/** What `nvidia-smi -L` writes of them. */
export function nvidiaSmiListing(gpus: readonly StubGpu[]): string {
  return gpus
    .flatMap((gpu, index) => [
      `GPU ${index}: ${gpu.model ?? "GPU"} (UUID: ${gpu.uuid})`,
      ...(gpu.slices ?? []).map(
        ({ profile, uuid }, at) => `  MIG ${profile.padEnd(11)} Device ${String(at).padStart(2)}: (UUID: ${uuid})`,
      ),
    ])
    .join("\n");
}

function gpuXml(gpu: StubGpu, schema: XmlSchema): string {
  return `	<gpu id="${gpu.pciBusId ?? "00000000:00:00.0"}">
		<product_name>${gpu.model ?? "N/A"}</product_name>
		<mig_mode>
			<current_mig>${enabled(gpu.migEnabled)}</current_mig>
			<pending_mig>${enabled(gpu.migEnabled)}</pending_mig>
		</mig_mode>
		<mig_devices>
${(gpu.slices ?? []).map(sliceXml).join("\n") || "			None"}
		</mig_devices>
		<uuid>${gpu.uuid}</uuid>
		<minor_number>0</minor_number>
		<pci>
			<pci_bus_id>${gpu.pciBusId ?? "N/A"}</pci_bus_id>
		</pci>
${reasonsXml(gpu, schema)}
		<fb_memory_usage>
			<total>${told(gpu.memoryMb, "MiB")}</total>
			<used>${told(gpu.memoryUsedMb, "MiB")}</used>
		</fb_memory_usage>
		<utilization>
			<gpu_util>${told(gpu.utilizationPercent, "%")}</gpu_util>
			<memory_util>${told(gpu.memoryUtilizationPercent, "%")}</memory_util>
		</utilization>
		<ecc_mode>
			<current_ecc>${enabled(gpu.eccEnabled)}</current_ecc>
		</ecc_mode>
${eccXml(gpu, schema)}
${temperatureXml(gpu, schema)}
${powerXml(gpu, schema)}
		<clocks>
			<graphics_clock>${told(gpu.clockMhz, "MHz")}</graphics_clock>
			<sm_clock>${told(gpu.clockMhz, "MHz")}</sm_clock>
			<mem_clock>${told(gpu.memoryClockMhz, "MHz")}</mem_clock>
		</clocks>
		<max_clocks>
			<sm_clock>${told(gpu.maxClockMhz, "MHz")}</sm_clock>
		</max_clocks>
		<supported_clocks>
			<supported_mem_clock>
				<value>14001 MHz</value>
			</supported_mem_clock>
		</supported_clocks>
		${processesXml(gpu)}
		<accounted_processes>
		</accounted_processes>
	</gpu>`;
}

function sliceXml(slice: StubSlice, index: number): string {
  return `			<mig_device>
				<index>${index}</index>
				<gpu_instance_id>${slice.instance}</gpu_instance_id>
				<compute_instance_id>0</compute_instance_id>
				<fb_memory_usage>
					<total>${slice.memoryMb} MiB</total>
					<used>${slice.memoryUsedMb ?? 0} MiB</used>
				</fb_memory_usage>
			</mig_device>`;
}

function reasonsXml({ isThrottling }: StubGpu, schema: XmlSchema): string {
  const word = schema === 11 ? "throttle" : "event";
  if (isThrottling === undefined) return `		<clocks_${word}_reasons>N/A</clocks_${word}_reasons>`;
  return `		<clocks_${word}_reasons>
			<clocks_${word}_reason_hw_thermal_slowdown>Not Active</clocks_${word}_reason_hw_thermal_slowdown>
			<clocks_${word}_reason_sw_thermal_slowdown>${isThrottling ? "Active" : "Not Active"}</clocks_${word}_reason_sw_thermal_slowdown>
		</clocks_${word}_reasons>`;
}

function eccXml(gpu: StubGpu, schema: XmlSchema): string {
  const corrected = told(gpu.eccCorrected);
  const uncorrected = told(gpu.eccUncorrected);
  const counts =
    schema === 11
      ? `<single_bit><total>${corrected}</total></single_bit><double_bit><total>${uncorrected}</total></double_bit>`
      : `<sram_correctable>${none(gpu.eccCorrected)}</sram_correctable><dram_correctable>${corrected}</dram_correctable>${
          schema === 12
            ? `<sram_uncorrectable>${none(gpu.eccUncorrected)}</sram_uncorrectable>`
            : `<sram_uncorrectable_parity>${none(gpu.eccUncorrected)}</sram_uncorrectable_parity>`
        }<dram_uncorrectable>${uncorrected}</dram_uncorrectable>`;
  return `		<ecc_errors><volatile>${counts}</volatile><aggregate>${counts.replace(/\d+/g, "999")}</aggregate></ecc_errors>`;
}

function temperatureXml(gpu: StubGpu, schema: XmlSchema): string {
  const limits =
    schema === 13
      ? `<gpu_temp_tlimit>${told(gpu.slowdownMarginC, "C")}</gpu_temp_tlimit><gpu_temp_slow_tlimit_threshold>-2 C</gpu_temp_slow_tlimit_threshold>`
      : `<gpu_temp_tlimit>N/A</gpu_temp_tlimit><gpu_temp_slow_threshold>${told(gpu.slowdownC, "C")}</gpu_temp_slow_threshold>`;
  return `		<temperature><gpu_temp>${told(gpu.temperatureC, "C")}</gpu_temp>${limits}</temperature>`;
}

function powerXml(gpu: StubGpu, schema: XmlSchema): string {
  const draw = told(gpu.powerW, "W");
  const limit = told(gpu.powerLimitW, "W");
  if (schema === 11)
    return `		<power_readings><power_draw>${draw}</power_draw><power_limit>${limit}</power_limit><enforced_power_limit>${limit}</enforced_power_limit></power_readings>`;
  const name = schema === 12 ? "power_draw" : "instant_power_draw";
  return `		<gpu_power_readings><power_state>Requested functionality has been deprecated</power_state><${name}>${draw}</${name}><current_power_limit>${limit}</current_power_limit></gpu_power_readings>
		<module_power_readings><${name}>N/A</${name}></module_power_readings>`;
}

function processesXml(gpu: StubGpu): string {
  if (gpu.processes === undefined && gpu.slices === undefined) return "<processes>N/A</processes>";
  const own = (gpu.processes ?? []).map((one) => processXml(one, "N/A"));
  const sliced = (gpu.slices ?? []).flatMap(({ instance, processes = [] }) =>
    processes.map((one) => processXml(one, String(instance))),
  );
  return `<processes>\n${[...own, ...sliced].join("\n")}\n		</processes>`;
}

function processXml({ pid, memoryMb, kind = "compute" }: StubProcess, instance: string): string {
  const type = { compute: "C", graphics: "G", mps: "M+C" }[kind];
  // Names are anything, and not escaped.
  return `			<process_info>
				<gpu_instance_id>${instance}</gpu_instance_id>
				<compute_instance_id>${instance === "N/A" ? "N/A" : "0"}</compute_instance_id>
				<pid>${pid}</pid>
				<type>${type}</type>
				<process_name>python & <anything></process_name>
				<used_memory>${told(memoryMb, "MiB")}</used_memory>
			</process_info>`;
}

function told(value: number | undefined, unit = ""): string {
  return value === undefined ? "N/A" : `${value} ${unit}`.trim();
}

function none(value: number | undefined): string {
  return value === undefined ? "N/A" : "0";
}

function enabled(value: boolean | undefined): string {
  return value === undefined ? "N/A" : value ? "Enabled" : "Disabled";
}
