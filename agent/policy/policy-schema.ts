/** The fields of a policy file: their names and bounds. */
import { z } from "zod";
import { wholeNumber } from "../../contract/text.ts";
import { DEFAULT_CONTAINER_POLICY, type ContainerPolicy, type VolumePrefix } from "./container-policy.ts";
import { parseDestination } from "./destination.ts";
import { prefixProblem } from "../volumes/reserved.ts";

const MAX_ITEMS = 256;

const imagePrefixes = z
  .array(
    z.string({ error: "must be the beginning of an image's name" }).regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,511}$/, {
      error: "must be the beginning of an image's name, such as registry.example.com/team/",
    }),
    { error: "must be a list of beginnings of images' names" },
  )
  .max(MAX_ITEMS);

const registries = z
  .array(
    z.string({ error: "must be a host" }).regex(/^[A-Za-z0-9.:[\]-]{1,253}$/, {
      error: "must be the host of a registry without its port, such as docker.io",
    }),
    { error: "must be a list of hosts" },
  )
  .max(MAX_ITEMS);

const userError = 'must be "UID:GID", such as "65534:65534"; 0 is not allowed: see root';

const user = z
  .string({ error: userError })
  .regex(/^[1-9]\d{0,8}:[1-9]\d{0,8}$/, { error: userError })
  .transform((text) => {
    const [uid = 0, gid = 0] = text.split(":").map(Number);
    return { uid, gid };
  });

const path = z.string({ error: "must be a path" }).check((context) => {
  const problem = prefixProblem(context.value);
  if (problem) context.issues.push({ code: "custom", message: problem, input: context.value });
});

const volumes = z
  .array(z.strictObject({ path, writable: z.boolean({ error: "must be true or false" }).optional() }), {
    error: "must be a list such as [{ path: /data, writable: false }]",
  })
  .max(MAX_ITEMS)
  .transform((given): VolumePrefix[] => given.map(({ path: at, writable = false }) => ({ path: at, writable })));

const name = (what: string) =>
  z.string({ error: `must be ${what}` }).regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/, { error: `must be ${what}` });

const destinationError = "must be an address or a network, if need be with a port, such as 10.0.0.0/8 or [fd00::5]:443";

const destinations = z
  .array(
    z.string({ error: destinationError }).refine((text) => parseDestination(text) !== undefined, {
      error: destinationError,
    }),
    { error: "must be a list such as [10.0.0.0/8, 192.0.2.7:5432]" },
  )
  .max(MAX_ITEMS);

const fields = {
  volumes,
  images: imagePrefixes,
  registries,
  user,
  root: z.enum(["never", "remapped", "allowed"], { error: "must be never, remapped or allowed" }),
  root_images: imagePrefixes,
  read_only_root: z.boolean({ error: "must be true or false" }),
  pids: wholeNumber(16, 4_194_304),
  open_files: wholeNumber(64, 1_073_741_816),
  locked_memory_mb: z.union([z.literal("unlimited"), wholeNumber(0, 1_000_000_000)], {
    error: "must be unlimited or a whole number from 0 to 1000000000",
  }),
  tmp_mb: wholeNumber(1, 1_000_000_000),
  scratch_mb: wholeNumber(1, 1_000_000_000),
  network: name("tenant, default, none, host or the name of a network of Docker's"),
  blocked_destinations: destinations,
  runtimes: z.array(name("the name of a runtime"), { error: "must be a list of runtimes" }).max(MAX_ITEMS),
};

/** What a policy file may say; what it leaves out is as in {@link DEFAULT_CONTAINER_POLICY}. */
export const policySchema: z.ZodType<ContainerPolicy> = z
  .strictObject(fields, { error: "must have fields such as volumes, user or network" })
  .partial()
  .transform((given): ContainerPolicy => {
    const standard = DEFAULT_CONTAINER_POLICY;
    return {
      volumes: given.volumes ?? standard.volumes,
      images: given.images ?? standard.images,
      registries: given.registries ?? standard.registries,
      user: given.user ?? standard.user,
      root: given.root ?? standard.root,
      rootImages: given.root_images ?? standard.rootImages,
      readOnlyRoot: given.read_only_root ?? standard.readOnlyRoot,
      pids: given.pids ?? standard.pids,
      openFiles: given.open_files ?? standard.openFiles,
      lockedMemoryMb: given.locked_memory_mb ?? standard.lockedMemoryMb,
      tmpMb: given.tmp_mb ?? standard.tmpMb,
      scratchMb: given.scratch_mb ?? standard.scratchMb,
      network: given.network ?? standard.network,
      blockedDestinations: given.blocked_destinations ?? standard.blockedDestinations,
      runtimes: given.runtimes ?? standard.runtimes,
    };
  });

/** The names of all fields. */
export const POLICY_FIELDS: readonly string[] = Object.keys(fields);
