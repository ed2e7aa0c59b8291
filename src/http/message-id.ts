// Ids that published messages are answered with, as EMQX gives them: 32 hexadecimal digits, for the caller's own
// records. Nothing can be asked by them.

const digits = 32;
const digitsOfIndex = 4;

export const newMessageId = (): string => crypto.randomUUID().replaceAll("-", "").toUpperCase();

/** The id of one of the messages that share an answer: the same each time the answer is given. */
export function messageIdOf(answerId: string, index: number): string {
  if (index === 0) return answerId;
  const end = index.toString(16).toUpperCase().padStart(digitsOfIndex, "0");
  return answerId.slice(0, digits - digitsOfIndex) + end;
}
