/** What every tool has: it may take a press, follow it, answer keys and draw its own ink; by default it does none of that. */

/** A tool without a gesture. Places are {at: [mx, my], point, touch, add}: the Mercator square, screen pixels, finger or not, Shift held. */
export class Tool {
  constructor(editor) {
    this.editor = editor;
  }

  get draft() {
    return this.editor.draft;
  }

  get ground() {
    return this.editor.draft.ground;
  }

  /** Chosen: begin with nothing. */
  start() {}

  /** Another tool is chosen. */
  stop() {
    this.cancel();
  }

  /** A press on the map; true takes the drag that follows. */
  down() {
    return false;
  }

  move() {}

  up() {}

  /** The pointer without a press. */
  hover() {}

  /** A click that no drag was made of; also Space on the crosshair. */
  click() {}

  double() {}

  /** A long press. */
  hold() {}

  /** A key that is not a shortcut of the page; true where it meant something here. */
  key() {
    return false;
  }

  /** Give up what is begun; true where there was something. */
  cancel() {
    return false;
  }

  /** The server did what was pending, or somebody else changed the ground. */
  settled() {}

  draw() {}

  /** Controls of the tool for the strip above the map. */
  options() {
    return [];
  }

  refresh() {
    this.editor.stage.redrawOver();
  }
}
