import { describeEnum } from '../../graphql/enums.js';

/** When a cancellation takes effect. */
export enum CancelMode {
  IMMEDIATELY = 'IMMEDIATELY',
  AT_PERIOD_END = 'AT_PERIOD_END',
}
describeEnum(CancelMode, {
  name: 'CancelMode',
  description: 'When a cancellation takes effect.',
  values: {
    AT_PERIOD_END:
      'At the end of what was paid, or of a trial, until when subscriptionReactivate takes it back; at once where nothing is paid: PAST_DUE, a pause that outlasted it.',
    IMMEDIATELY: 'At once and for good. Nothing is given back: refund a payment where something is owed.',
  },
});
