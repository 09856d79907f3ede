// What is under way, with a bar and a way to cancel; what went wrong; what can be undone.

import {Job} from '../wasm/tfjs_model_manager.js';
import {announce, button, byId, h, once, words} from './dom.js';
import {bytes} from './format.js';

/** How often a bar is drawn at most; milliseconds. */
const FRAME = 50;

/**
 * Runs `start(job)` under a title, and gives whether it went well. A failure stays until its reader has put it away.
 */
export async function run(title, done, start) {
  const bar = h('progress', {'aria-label': title});
  const detail = h('p', {class: 'muted small'}, 'starting…');
  let drawn = 0;
  const job = new Job((moved, total) => {
    const now = performance.now();
    if (now - drawn < FRAME && moved < total) return;
    drawn = now;
    if (total > 0) Object.assign(bar, {max: total, value: moved});
    detail.textContent = `${bytes(moved)} of ${bytes(total)}`;
  });
  const cancel = button('Cancel', () => job.cancel(), {'aria-label': `Cancel: ${title}`});
  const task = h('div', {class: 'task'}, h('div', {}, h('p', {class: 'what'}, title), bar, detail), cancel);
  show(task);
  try {
    await start(job);
    announce(done);
    return true;
  } catch (failure) {
    if (failure?.kind === 'Cancelled') announce(`Cancelled: ${title}`);
    else tellFailure(`${title} failed`, failure);
    return false;
  } finally {
    task.remove();
    job.free();
  }
}

/** Whether anything is under way. */
export const isBusy = () => byId('tasks').querySelector('progress') !== null;

/** The newest is in sight. */
function show(task) {
  const tasks = byId('tasks');
  tasks.append(task);
  tasks.scrollTop = tasks.scrollHeight;
}

/** Says what went wrong, until its reader has put it away. */
export function tellFailure(title, failure) {
  const task = h('div', {class: 'task failed', role: 'alert'},
    h('div', {}, h('p', {class: 'what'}, title), h('p', {}, words(failure))),
    button('Dismiss', () => task.remove(), {'aria-label': `Dismiss: ${title}`}));
  show(task);
}

/** Says that something was done and can be undone; gives how to end that, and whether somebody is about to. */
export function tellUndo(text, undo) {
  const task = h('div', {class: 'task undo'}, h('p', {class: 'what'}, text), button('Undo', once(undo), {'aria-label': `Undo: ${text}`}));
  show(task);
  announce(`${text} Undo with Control Z.`);
  return {close: () => task.remove(), isLookedAt: () => task.matches(':hover, :focus-within')};
}
