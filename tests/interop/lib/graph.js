'use strict';
// What the reference's GraphModel says of itself.

const {tf} = require('./reference');
const {loadArtifacts} = require('./load');

const described = ({name, shape, dtype}) => ({name, shape: shape ?? null, dtype: dtype ?? null});

async function describeGraph(path) {
  const artifacts = await loadArtifacts(path);
  const model = await tf.loadGraphModel(tf.io.fromMemory(artifacts));
  const initializer = model.initializer;
  return {
    modelVersion: model.modelVersion,
    inputNodes: model.inputNodes,
    inputs: model.inputs.map(described),
    outputNodes: model.outputNodes,
    outputs: model.outputs.map(({name}) => name),
    signature: model.modelSignature ?? null,
    structuredOutputKeys: model.modelStructuredOutputKeys ?? null,
    weights: Object.keys(model.weights).sort(),
    initializerNodes: initializer ? Object.keys(initializer.graph.nodes) : null,
    functions: Object.keys(model.executor.functions).sort(),
  };
}

module.exports = {describeGraph};
