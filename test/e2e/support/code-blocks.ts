// The fenced code blocks of a Markdown text.

export interface CodeBlock {
  readonly language: string;
  readonly text: string;
  /** For the title of its test. */
  readonly firstLine: string;
}

export function codeBlocksOf(markdown: string): CodeBlock[] {
  const fences = markdown.matchAll(/^```(?<language>[a-z]*)\n(?<text>.*?)^```$/gmsu);
  return [...fences].map(({ groups }) => {
    const text = groups?.["text"] ?? "";
    return { language: groups?.["language"] ?? "", text, firstLine: text.split("\n", 1)[0] ?? "" };
  });
}
