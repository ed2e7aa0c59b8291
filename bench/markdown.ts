// Pages with parts that a measurement makes, each between markers: `<!-- name -->` and `<!-- /name -->`.

/** What makes each part, by its name. */
export type Sections<Results> = Readonly<Record<string, (results: Results) => string>>;

/**
 * The document with its generated parts made anew.
 *
 * @throws Error where one of the markers is missing.
 */
export function replaceSections<Results>(document: string, sections: Sections<Results>, results: Results): string {
  return Object.entries(sections).reduce((text, [name, make]) => {
    const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [start, end] = [text.indexOf(open), text.indexOf(close)];
    if (start === -1 || end < start) throw new Error(`no ${open} … ${close}`);
    return `${text.slice(0, start + open.length)}\n${make(results)}\n${text.slice(end)}`;
  }, document);
}

export const row = (...cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
