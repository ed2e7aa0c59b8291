// Branded primitives: only the parser of each kind makes one, so a filter never passes for a topic name.

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A checked client identifier (UTF-8, no U+0000, within the length limit). */
export type ClientId = Brand<string, "ClientId">;
/** A checked topic name: concrete, without wildcards [MQTT-3.3.2-2]. */
export type TopicName = Brand<string, "TopicName">;
/** A checked topic filter, without its `$share/{group}/` prefix [MQTT-4.7.1-1]. */
export type TopicFilter = Brand<string, "TopicFilter">;
/** 1–65,535 [MQTT-2.2.1-3]. */
export type PacketId = Brand<number, "PacketId">;
/** Number of a session within its shard; never reused. */
export type SessionNumber = Brand<number, "SessionNumber">;
/** Position of a message in a shard's log; rises by at least one, never reused. */
export type Position = Brand<number, "Position">;

/** A value that is one of two things, checked by the caller. */
export type Result<T, E> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E };

export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });
export const fail = <E>(error: E): { readonly ok: false; readonly error: E } => ({
  ok: false,
  error,
});
