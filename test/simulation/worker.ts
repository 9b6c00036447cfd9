import { live, type Order } from './live.ts';

/** Lives the lives that its parent orders, one after the other, until it is let go. */
process.once('disconnect', () => process.exit());
process.on('message', (order: Order) => {
  void live(order).then((outcome) => process.send?.(outcome));
});
