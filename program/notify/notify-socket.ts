/** Datagrams to a Unix socket, which Node.js itself cannot send: through the C library. */
import { messageOf } from "../../base/errors.ts";

/** Where a service manager listens. */
export interface NotifySocket {
  /** Sends one datagram, without waiting. Undefined when it is sent, else why not. */
  send(text: string): string | undefined;
  close(): void;
}

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
/** Of the kernel's `sockaddr_un`. */
const MAX_ADDRESS_BYTES = 108;

/**
 * Opens the socket for an address as systemd gives it in `NOTIFY_SOCKET`: a path, or `@name` of the abstract namespace.
 * Rejects with a sentence if that cannot be.
 */
export async function openNotifySocket(address: string): Promise<NotifySocket> {
  const target = socketAddress(address);
  const { errno, load } = await loadKoffi();
  // Whatever C library the process has.
  const libc = load(null);
  const socket = libc.func("int socket(int, int, int)");
  const sendto = libc.func("int64_t sendto(int, const uint8_t *, size_t, int, const uint8_t *, uint32_t)");
  const close = libc.func("int close(int)");
  const descriptor = Number(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (descriptor < 0) throw new Error(`no socket can be had (error ${errno()})`);
  return {
    send(text) {
      const bytes = Buffer.from(text);
      const sent = Number(sendto(descriptor, bytes, bytes.length, MSG_NOSIGNAL, target, target.length));
      return sent === bytes.length ? undefined : `nothing can be sent to ${address} (error ${errno()})`;
    },
    close: () => void close(descriptor),
  };
}

function socketAddress(address: string): Buffer {
  if (!/^[/@]./.test(address)) throw new Error(`${JSON.stringify(address)} is neither a path nor @name`);
  // An abstract name begins with a null byte and ends where the address does; a path ends with one.
  const name = Buffer.from(address.startsWith("@") ? `\0${address.slice(1)}` : `${address}\0`);
  if (name.length > MAX_ADDRESS_BYTES) throw new Error(`${address} is too long for a socket`);
  const family = Buffer.alloc(2);
  new Uint16Array(family.buffer, family.byteOffset, 1)[0] = AF_UNIX;
  return Buffer.concat([family, name]);
}

async function loadKoffi() {
  try {
    return await import("koffi");
  } catch (error) {
    throw new Error(`the package koffi cannot be loaded: ${messageOf(error)}`, { cause: error });
  }
}
