import { createTokenBucketRateLimiter } from '#shared/adapters/local/token-bucket-rate-limiter.ts';
import { describeRateLimiter } from './rate-limiter.ts';

describeRateLimiter('token bucket', createTokenBucketRateLimiter);
