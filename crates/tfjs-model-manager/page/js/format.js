// Numbers, sizes and dates for people.

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];

/** Powers of a thousand, as browsers and disks count. */
export function bytes(count) {
  if (count === null || count === undefined) return 'unknown';
  let [value, unit] = [count, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  const text = unit === 0 || value >= 100 ? value.toFixed(0) : value.toPrecision(3);
  return `${text} ${unit === 0 && count === 1 ? 'byte' : UNITS[unit]}`;
}

/** In the time of the user, short and in every language the same. A date that nobody knows is an empty text. */
export function date(iso) {
  const when = new Date(iso);
  if (Number.isNaN(when.getTime())) return '';
  const two = number => String(number).padStart(2, '0');
  return `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())} ${two(when.getHours())}:${two(when.getMinutes())}`;
}

export function number(value) {
  if (value === null || value === undefined) return '–';
  const size = Math.abs(value);
  // Of greater ones a double does not have all digits; and -0 is 0.
  if (Number.isInteger(value) && size < 1e15) return (value === 0 ? 0 : value).toLocaleString();
  return size >= 1e-3 && size < 1e6 ? String(Number(value.toPrecision(5))) : value.toExponential(3);
}

export const shape = dims => `[${dims.join(', ')}]`;

/** JSON with lines and indents. Every number and string stays as it is written. */
export function pretty(json) {
  let [out, depth, inString] = ['', 0, false];
  const line = () => `\n${'  '.repeat(depth)}`;
  for (let at = 0; at < json.length; at++) {
    const char = json[at];
    if (inString) {
      out += char;
      if (char === '\\') out += json[++at] ?? '';
      else if (char === '"') inString = false;
    } else if (char === '"') {
      out += char;
      inString = true;
    } else if (char === '{' || char === '[') {
      const close = char === '{' ? '}' : ']';
      const next = json.slice(at + 1, at + 1000).trimStart()[0];
      if (next === close) {
        out += char + close;
        at = json.indexOf(close, at);
      } else {
        depth += 1;
        out += char + line();
      }
    } else if (char === '}' || char === ']') {
      depth -= 1;
      out += line() + char;
    } else if (char === ',') {
      out += char + line();
    } else if (char === ':') {
      out += ': ';
    } else if (!/\s/.test(char)) {
      out += char;
    }
  }
  return out;
}
