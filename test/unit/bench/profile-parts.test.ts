// Names as `perf` has them for workerd 1.20261117.1.

import { expect, test } from "vitest";
import { isOwnPart, partOf } from "../../../bench/speed/profile-parts.ts";

const workerd = { thread: "workerd", object: "/usr/bin/workerd" };

test.each([
  ["finish_task_switch.isra.0", "[kernel.kallsyms]", "kernel: sockets, scheduling"],
  ["[unknown]", "/tmp/perf-1.map", "JavaScript, compiled"],
  ["Builtins_MapPrototypeSet", workerd.object, "JavaScript, builtins of V8"],
  ["v8::internal::Scavenger::ScavengeObject", workerd.object, "V8: garbage collection"],
  ["v8::internal::JSArrayBuffer::Setup", workerd.object, "V8: calls, handles, buffers"],
  ["tcmalloc::tcmalloc_internal::FreeSmallSlow", workerd.object, "malloc"],
  ["kj::(anonymous namespace)::WebSocketImpl::receive", workerd.object, "kj: event loop, WebSocket frames"],
  ["workerd::IoContext::runImpl", workerd.object, "workerd: events, locks, gates"],
  ["__memmove_avx512_unaligned_erms", "/lib/libc.so.6", "rest"],
])("%s of %s is part of %s", (symbol, object, part) => {
  expect(partOf({ ...workerd, symbol, object })).toBe(part);
});

test("a helper thread of V8 collects garbage, whatever it runs", () => {
  const sample = { ...workerd, thread: "V8 DefaultWorke", symbol: "__memmove_avx512_unaligned_erms" };
  expect(partOf(sample)).toBe("V8: garbage collection");
});

test("only JavaScript is the broker's own", () => {
  expect(isOwnPart("JavaScript, compiled")).toBe(true);
  expect(isOwnPart("kernel: sockets, scheduling")).toBe(false);
});
