const WIDTH = 720;
const BAR = 18;
const LEFT = 170;
const RIGHT = 80;

/** Bars on a logarithmic scale, as an SVG that reads on light and dark pages. */
export function barChart(
  title: string,
  groups: readonly { label: string; bars: ReadonlyMap<string, number> }[],
): string {
  const values = groups.flatMap(({ bars }) => [...bars.values()]);
  const [least, most] = [Math.min(...values) / 2, Math.max(...values)];
  const length = (value: number): number => (Math.log(value / least) / Math.log(most / least)) * (WIDTH - LEFT - RIGHT);
  const parts: string[] = [text({ x: 0, y: 16, weight: 600 }, title)];
  let y = 44;
  for (const { label, bars } of groups) {
    parts.push(text({ x: 0, y, weight: 600 }, label));
    y += 10;
    for (const [name, value] of bars) {
      const color = name === "my-bot" ? "#e8793a" : "#8a94a6";
      parts.push(
        text({ x: LEFT - 8, y: y + 13, anchor: "end" }, name),
        `<rect x="${LEFT}" y="${y}" width="${length(value).toFixed(1)}" height="${BAR - 4}" rx="2" fill="${color}"/>`,
        text({ x: LEFT + length(value) + 6, y: y + 12 }, value.toFixed(value < 10 ? 2 : 0)),
      );
      y += BAR;
    }
    y += 24;
  }
  const style = `<style>text{font:12px system-ui,sans-serif;fill:#57606a}@media(prefers-color-scheme:dark){text{fill:#adbac7}}</style>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="${escapeXml(title)}">${style}${parts.join("")}</svg>\n`;
}

function text(
  { x, y, anchor = "start", weight = 400 }: { x: number; y: number; anchor?: string; weight?: number },
  value: string,
): string {
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}" font-weight="${weight}">${escapeXml(value)}</text>`;
}

function escapeXml(value: string): string {
  return value.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");
}
