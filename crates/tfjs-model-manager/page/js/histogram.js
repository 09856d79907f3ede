// The values of a tensor as bars.

import {number} from './format.js';

const SVG = 'http://www.w3.org/2000/svg';

function svg(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/** Heights go by the square root, so that a few values far out are still seen. */
export function histogram({histogram: bins, min, max, mean, zeros, count}) {
  const most = Math.max(...bins);
  const text = `${number(count)} values from ${number(min)} to ${number(max)}, mean ${number(mean)}, ${number(zeros)} zeros`;
  const picture = svg('svg', {class: 'histogram', viewBox: `0 0 ${bins.length * 4} 30`, preserveAspectRatio: 'none', role: 'img', 'aria-label': text});
  const title = svg('title', {});
  title.textContent = text;
  picture.append(title, svg('line', {x1: 0, y1: 29.5, x2: bins.length * 4, y2: 29.5}));
  for (const [index, bin] of bins.entries()) {
    const height = bin === 0 ? 0 : Math.max(1, 28 * Math.sqrt(bin / most));
    picture.append(svg('rect', {x: index * 4 + .4, y: 29 - height, width: 3.2, height}));
  }
  return picture;
}
