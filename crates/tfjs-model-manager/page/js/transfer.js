// The dialog that copies or moves a model to another place.

import {byId, focusOn, h, whereFocusIs, words} from './dom.js';
import {reserving, takenFailure, takenNames} from './names.js';
import {run, tellFailure} from './tasks.js';
import {tidyName} from './stores.js';
import {uploadAddress} from './add.js';

export function openTransfer(app, model) {
  const dialog = byId('transfer');
  const form = dialog.querySelector('form');
  const {store, name, target, token, replace} = form.elements;
  const opener = whereFocusIs();
  form.reset();
  byId('transfer-heading').textContent = `Copy or move ${model.name}`;
  const places = app.stores.filter(place => place.canWrite);
  store.replaceChildren(...places.map(place => h('option', {value: place.id}, place.label)), h('option', {value: 'target'}, 'Another server…'));
  store.value = (places.find(place => place !== model.store) ?? places[0]).id;
  name.value = tidyName(model.name);

  let asked;
  const update = () => {
    const isTarget = store.value === 'target';
    for (const element of form.querySelectorAll('[data-for=target]')) element.hidden = !isTarget;
    target.required = isTarget;
    name.required = !isTarget;
    name.setCustomValidity(!isTarget && name.value !== '' && name.value.trim() === '' ? 'A name is more than spaces.' : '');
    target.setCustomValidity(isTarget && target.value !== '' ? complaint(() => uploadAddress(target.value)) : '');
    name.closest('label').hidden = isTarget;
    // What is removed here must be loadable there, which only the browser's own stores are asked for.
    const canMove = model.store.isBrowser && places.find(place => place.id === store.value)?.isBrowser === true;
    const [copy, move] = form.elements.action;
    move.disabled = !canMove;
    if (!canMove) copy.checked = true;
    const there = app.models.find(other => other.store.id === store.value && other.name === name.value.trim());
    const isItself = there?.url === model.url;
    // A tick is for the model that it was set for.
    if (there?.url !== asked) replace.checked = false;
    asked = there?.url;
    const warning = form.querySelector('[data-for=replace]');
    warning.hidden = there === undefined;
    replace.required = there !== undefined;
    replace.disabled = isItself;
    warning.querySelector('span').textContent = isItself
      ? 'That is the model itself: choose another name or another place.'
      : `There is a model ${name.value.trim()}: replace it.`;
    const go = form.querySelector('[value=go]');
    go.textContent = form.elements.action.value === 'move' ? 'Move' : 'Copy';
    go.disabled = isItself;
  };
  form.oninput = update;
  update();

  dialog.onclose = async () => {
    focusOn(opener);
    if (dialog.returnValue !== 'go') return;
    const isMove = form.elements.action.value === 'move';
    const place = places.find(({id}) => id === store.value);
    const label = place?.label ?? target.value;
    const [doing, done] = isMove ? ['Moving', 'Moved'] : ['Copying', 'Copied'];
    const shown = place ? `${name.value.trim()} in ${label}` : label;
    const named = name.value.trim();
    const transfer = isNew => run(`${doing} ${model.name} to ${shown}`, `${done} ${model.name} to ${shown}.`, job => {
      const destination = place ? place.url(named) : uploadAddress(target.value);
      return isMove
        ? job.moveModel(model.url, destination)
        : job.copyModel(model.url, model.store.token, destination, place ? place.token : token.value, isNew);
    });
    if (!place) await transfer(false);
    else if (replace.checked) await reserving(place, named, () => transfer(false));
    else await transferNew(app, place, named, transfer);
    token.value = '';
    await app.refresh();
  };
  dialog.returnValue = 'cancel';
  dialog.showModal();
}

/** What is wrong with what this takes, in words; an empty text if nothing is. */
function complaint(take) {
  try {
    take();
    return '';
  } catch (failure) {
    return words(failure);
  }
}

/** Somebody else may have saved under the name while the dialog was open. */
async function transferNew(app, place, name, transfer) {
  try {
    if ((await takenNames(app, place)).has(name)) throw takenFailure(app, place, name);
  } catch (failure) {
    tellFailure(`Saving ${name} in ${place.label} failed`, failure);
    return;
  }
  await reserving(place, name, () => transfer(!place.isBrowser));
}
