import type { GpuGrant } from "../../executor/executor.ts";
import type { ToolkitFacts } from "../facts/toolkit.ts";
import { error, type Finding, ok, unknown, warning } from "../finding.ts";
import { TOOLKIT_FLAWS, TOOLKIT_MINIMUM } from "../known-flaws.ts";
import { flawsOf } from "../version.ts";

const INSTALL = `install nvidia-container-toolkit ${TOOLKIT_MINIMUM} or newer from NVIDIA's repository`;
const VARIABLE = "accept-nvidia-visible-devices-envvar-when-unprivileged";
const SET_VARIABLE = (value: boolean) => `nvidia-ctk config --in-place --set ${VARIABLE}=${value}`;

export interface ToolkitQuestion {
  readonly hasGpus: boolean;
  /** Of the kernel's module. */
  readonly driverVersion: string | undefined;
  /** Undefined while the engine does not answer. */
  readonly grant: GpuGrant["kind"] | undefined;
}

/** What gives containers their GPUs. */
export function checkToolkit(facts: ToolkitFacts, question: ToolkitQuestion): readonly Finding[] {
  if (facts.version === undefined) return checkAbsence(facts, question);
  return [
    checkVersion(facts.version),
    ...checkVariable(facts, question),
    ...checkSpecification(facts, question),
    ...checkHook(facts, question),
  ];
}

function checkAbsence(facts: ToolkitFacts, question: ToolkitQuestion): readonly Finding[] {
  if (!question.hasGpus || question.grant === "none") {
    return [ok("toolkit-version", "NVIDIA's container toolkit is not installed, and not needed")];
  }
  const message = "NVIDIA's container toolkit is not installed: containers cannot be given GPUs";
  return [error("toolkit-version", message, INSTALL), ...checkSpecification(facts, question)];
}

function checkVersion(version: string): Finding {
  const flaws = flawsOf(version, TOOLKIT_FLAWS);
  if (!flaws) return unknown("toolkit-version", "NVIDIA's container toolkit does not tell its version", INSTALL);
  if (flaws.length === 0) return ok("toolkit-version", `NVIDIA's container toolkit is ${version}`);
  return error(
    "toolkit-version",
    `NVIDIA's container toolkit ${version} lets a container become root on the host: ${flaws.map(({ id }) => id).join(", ")}`,
    INSTALL,
  );
}

/** With CDI the variable is of no use, except to an image that asks for everything by it. The other ways live by it. */
function checkVariable({ acceptsVariable = true }: ToolkitFacts, { grant }: ToolkitQuestion): readonly Finding[] {
  if (grant === "cdi") {
    if (!acceptsVariable) return [ok("toolkit-variable", "no container can ask for GPUs by a variable")];
    const message = "with the runtime nvidia, an image could ask for all GPUs by NVIDIA_VISIBLE_DEVICES";
    return [warning("toolkit-variable", message, SET_VARIABLE(false))];
  }
  if (grant !== "runtime" && grant !== "device-requests") return [];
  if (acceptsVariable) {
    return [ok("toolkit-variable", "GPUs are granted by a variable, which the agent sets for every container")];
  }
  const message = `${VARIABLE} is false, and GPUs are granted by that variable: containers get none`;
  return [
    error(
      "toolkit-variable",
      message,
      `use CDI (nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml), or ${SET_VARIABLE(true)}`,
    ),
  ];
}

/** It names the driver's files one by one: after an upgrade of the driver they are not there any more. */
function checkSpecification(
  { cdiDriverVersions: versions }: ToolkitFacts,
  question: ToolkitQuestion,
): readonly Finding[] {
  const { driverVersion } = question;
  if (versions.length === 0 || driverVersion === undefined) return [];
  if (versions.every((version) => version === driverVersion)) {
    return [ok("cdi-specification", `the CDI specification is for driver ${driverVersion}`)];
  }
  return [
    error(
      "cdi-specification",
      `the CDI specification is for driver ${versions.join(", ")}, and ${driverVersion} is loaded: containers with GPUs do not start`,
      "nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml (toolkit 1.18 and newer do it by themselves)",
    ),
  ];
}

function checkHook({ hasHook }: ToolkitFacts, { grant, hasGpus }: ToolkitQuestion): readonly Finding[] {
  if (grant !== "device-requests" || !hasGpus || hasHook) return [];
  const message =
    "Docker has no way to give containers GPUs: no CDI, no runtime nvidia, no nvidia-container-runtime-hook";
  return [
    error("toolkit-hook", message, "nvidia-ctk runtime configure --runtime=docker, then systemctl restart docker"),
  ];
}
