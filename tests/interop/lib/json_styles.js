'use strict';
// One JSON text as three writers would put it. A number keeps its spelling (1.0, 1E+2, -0.0) where the writer would keep it, so the
// work is done on tokens, not on parsed values.

const TOKEN = /"(?:[^"\\]|\\.)*"|[-+.0-9eE]+|true|false|null|[{}[\],:]/g;

/** What JSON.stringify prints: shortest numbers, no spaces, letters outside ASCII as they are. */
const javascript = text => JSON.stringify(JSON.parse(text));

/** What Python's json.dumps prints: a space after every comma and colon, floats with their point, letters outside ASCII escaped. */
function python(text) {
  return tokens(text).map(token => ({',': ', ', ':': ': '}[token] ?? escapeNonAscii(token))).join('');
}

/** A file that went through an editor on Windows: indented by two, CRLF line ends, one at the end. */
function indentedCrlf(text) {
  let depth = 0;
  const newline = () => '\r\n' + '  '.repeat(depth);
  const written = tokens(text).map((token, i, all) => {
    const emptyInside = closes(all[i + 1]);
    if (opens(token)) {
      depth += 1;
      return emptyInside ? token : token + newline();
    }
    if (closes(token)) {
      depth -= 1;
      return opens(all[i - 1]) ? token : newline() + token;
    }
    if (token === ',') return token + newline();
    return token === ':' ? ': ' : token;
  });
  return written.join('') + '\r\n';
}

const opens = token => token === '{' || token === '[';
const closes = token => token === '}' || token === ']';

function tokens(text) {
  JSON.parse(text); // a text that is not JSON would be cut into tokens without a word
  return text.match(TOKEN);
}

const escapeNonAscii = token => token.replace(/[^\x00-\x7f]/g, unit => '\\u' + unit.charCodeAt(0).toString(16).padStart(4, '0'));

module.exports = {javascript, python, indentedCrlf};
