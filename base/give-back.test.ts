import { expect, test } from "vitest";
import { unchangedMappings } from "./give-back.ts";

const sizes = (anonymousKb: number) =>
  `Size: 64 kB\nPrivate_Dirty:         ${anonymousKb} kB\nAnonymous:             ${anonymousKb} kB\nVmFlags: rd mr`;

test("only what can be read again from its file is given back", () => {
  const smaps = [
    `00400000-00402000 r-xp 00000000 08:01 131 /usr/bin/node\n${sizes(0)}`,
    // Of a library, changed when it was loaded.
    `7f0000000000-7f0000002000 r--p 00000000 08:01 132 /usr/lib/libc.so.6\n${sizes(8)}`,
    `7f0000003000-7f0000004000 r--p 00000000 08:01 133 /usr/lib/with spaces.so\n${sizes(0)}`,
    `7f0000005000-7f0000006000 rw-p 00000000 08:01 134 /usr/lib/libm.so.6\n${sizes(0)}`,
    `7f0000007000-7f0000008000 r--s 00000000 08:01 135 /var/shared\n${sizes(0)}`,
    `7f0000009000-7f000000a000 r-xp 00000000 00:00 0 [vdso]\n${sizes(0)}`,
    `7f000000b000-7f000000c000 r-xp 00000000 00:00 0\n${sizes(0)}`,
  ].join("\n");
  expect(unchangedMappings(smaps)).toEqual([
    { start: 0x400000n, end: 0x402000n },
    { start: 0x7f0000003000n, end: 0x7f0000004000n },
  ]);
});
