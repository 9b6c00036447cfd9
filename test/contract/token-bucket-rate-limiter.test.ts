import { createTokenBucketRateLimiter } from '#shared/adapters/memory/token-bucket-rate-limiter.ts';
import { describeRateLimiter } from './rate-limiter.ts';

describeRateLimiter('token bucket', createTokenBucketRateLimiter);
