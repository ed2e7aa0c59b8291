// What a sample of `perf` belongs to, by the name of its function.

export interface Sample {
  /** Of the thread: `workerd`, or a helper of V8. */
  readonly thread: string;
  readonly symbol: string;
  /** The program, library or map that the address is in. */
  readonly object: string;
}

const javaScript = "JavaScript, compiled";
const builtins = "JavaScript, builtins of V8";

export const parts = [
  javaScript,
  builtins,
  "V8: calls, handles, buffers",
  "V8: garbage collection",
  "workerd: events, locks, gates",
  "kj: event loop, WebSocket frames",
  "malloc",
  "kernel: sockets, scheduling",
  "rest",
] as const;

export type Part = (typeof parts)[number];

/** The first that fits. */
const rules: readonly (readonly [Part, (sample: Sample) => boolean])[] = [
  ["kernel: sockets, scheduling", ({ object }) => object.includes("kernel") || object === "[vdso]"],
  ["V8: garbage collection", ({ thread }) => thread.startsWith("V8")],
  [javaScript, ({ symbol }) => symbol === "[unknown]"],
  [
    "V8: garbage collection",
    ({ symbol }) => /scaveng|sweep|markcompact|marking|cppgc|globalhandles|evacuat|garbagecoll|::heap/iu.test(symbol),
  ],
  [builtins, ({ symbol }) => symbol.startsWith("Builtins_")],
  ["V8: calls, handles, buffers", ({ symbol }) => symbol.startsWith("v8::")],
  ["malloc", ({ symbol }) => /tcmalloc/iu.test(symbol)],
  ["kj: event loop, WebSocket frames", ({ symbol }) => symbol.startsWith("kj::")],
  ["workerd: events, locks, gates", ({ symbol }) => /workerd|capnp|tokio/u.test(symbol)],
];

export const partOf = (sample: Sample): Part => rules.find(([, fits]) => fits(sample))?.[0] ?? "rest";

/** JavaScript: the broker's own. The rest is the runtime's, though how often it is called is not. */
export const isOwnPart = (part: Part): boolean => part === javaScript || part === builtins;
