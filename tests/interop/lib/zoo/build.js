'use strict';
// Short ways to make models of a few layers. Every model of the zoo is {name, make, ...}: `make` gives the model, `high` bounds integer inputs.

const {tf} = require('../reference');

/** A Sequential of these layers; the first has an input shape. */
const chain = (...layers) => () => tf.sequential({layers: layers.map(layer => layer())});

/** A graph: `connect` gets inputs of these shapes (without the batch), and gives the outputs. */
const graph = (shapes, connect, options = {}) => () => {
  const inputs = shapes.map(shape => tf.input({shape, ...options}));
  return tf.model({inputs: inputs.length === 1 ? inputs[0] : inputs, outputs: connect(...inputs)});
};

/** One layer in a graph. */
const alone = (shape, layer, options) => graph([shape], x => layer().apply(x), options);

/** Several in one graph, for layers with several inputs. */
const merged = (shapes, layer) => graph(shapes, (...inputs) => layer().apply(inputs));

/** `{a: ..., b: ...}` as models with names. */
const family = (prefix, makers) =>
  Object.entries(makers).map(([name, made]) => ({name: `${prefix}-${name}`, ...(typeof made === 'function' ? {make: made} : made)}));

module.exports = {tf, chain, graph, alone, merged, family};
