// What can be done with a model, wherever it is shown.

import {button, once, unlessHeld} from './dom.js';
import {run} from './tasks.js';
import {openTransfer} from './transfer.js';

/** The buttons of a model. `app` has `stores`, `trash` and `refresh`; `gone` is called when it has been deleted. */
export function actions(app, model, gone = () => {}) {
  const where = `${model.name} in ${model.store.label}`;
  const named = (text, action, attributes = {}, shown = text) => button(shown, action, {'aria-label': `${text} ${where}`, 'data-action': text, ...attributes});
  return [
    named('Copy or move…', () => openTransfer(app, model)),
    named('Download', once(() => download(model, false))),
    named('Download .zip', once(() => download(model, true)), {}, '.zip'),
    model.store.canWrite && named('Delete', once(() => {
      app.trash.put(model);
      gone();
    }), {class: 'danger', onkeydown: unlessHeld}),
  ].filter(Boolean);
}

function download(model, isZip) {
  const name = model.name.split('/').at(-1);
  return run(`Downloading ${model.name}`, `${model.name} was handed to the browser.`, job =>
    job.downloadModel(model.url, model.store.token, name, isZip));
}
