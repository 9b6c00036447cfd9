const DIGEST_A = 'a'.repeat(64);
const DIGEST_B = 'b'.repeat(64);

/** Every option used: another region, a domain, two models, mail, the tag's budget. */
export const EUROPEAN_PROD = {
  'onestep:stage': 'prod',
  'onestep:region': 'eu-central-1',
  'onestep:domainName': 'images.example.com',
  'onestep:hostedZoneId': 'Z0123456789',
  'onestep:hostedZoneName': 'example.com',
  'onestep:alarmEmail': 'operator@example.com',
  'onestep:budgetByTag': true,
  'onestep:anomalyMonitor': 'tag',
  'onestep:topupUrl': 'https://example.com/topup',
  'onestep:stripeSecretArn':
    'arn:aws:secretsmanager:eu-central-1:123456789012:secret:stripe-AbCdEf',
  'onestep:blockList': ['voldemort', '/red +flag/'],
  'onestep:imageCheck': 'https://check.example.com/',
  'onestep:models': [
    { name: 'stabilityai/sdxl', digest: DIGEST_A, instance: 'ml.g6.xlarge', maxInstances: 3 },
    {
      name: 'tianweiy/dmd2',
      digest: DIGEST_B,
      instance: ['ml.g5.xlarge', 'ml.g6.xlarge'],
      priceUsd: '0.01',
    },
  ],
};
