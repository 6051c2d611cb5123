const DOCKER_HUB = "docker.io";
/** Other names of Docker Hub, as they stand in images' names and in files of credentials. */
const HUB_ALIASES = new Set(["index.docker.io", "registry-1.docker.io"]);

/**
 * The registry that Docker asks for an image: the first part of its name where that looks like a host (it has a dot or a
 * port, or is `localhost`), and Docker Hub otherwise.
 */
export function registryOf(image: string): string {
  const [first = "", ...rest] = image.split("/");
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  return isHost ? canonicalRegistry(first) : DOCKER_HUB;
}

/** One name for each registry: `https://index.docker.io/v1/` is `docker.io`. A port is part of the name. */
export function canonicalRegistry(text: string): string {
  const [host = ""] = text.replace(/^https?:\/\//, "").split("/");
  const name = host.toLowerCase();
  return HUB_ALIASES.has(name) ? DOCKER_HUB : name;
}
