// Ids that published messages are answered with, as EMQX gives them: 32 hexadecimal digits, for the caller's own
// records. Nothing can be asked by them.

/** The last digits, which count on from one message of an answer to the next. */
const countedDigits = 4;

export const newMessageId = (): string => crypto.randomUUID().replaceAll("-", "").toUpperCase();

/** The id of one of the messages that share an answer: the same each time the answer is given. */
export function messageIdOf(answerId: string, index: number): string {
  const [start, end] = [answerId.slice(0, -countedDigits), answerId.slice(-countedDigits)];
  const counted = (Number.parseInt(end, 16) + index) % 16 ** countedDigits;
  return start + counted.toString(16).toUpperCase().padStart(countedDigits, "0");
}
