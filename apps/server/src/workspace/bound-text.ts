/** The beginning of a text that a prompt is made of, with a note when it is not all of it. */
export function boundText(text: string, maxChars: number, name: string): string {
  if (text.length <= maxChars) return text;
  const note = `[cut: the first ${maxChars} of ${text.length} characters of ${name}]`;
  return `${text.slice(0, maxChars).toWellFormed()}\n\n${note}`;
}
