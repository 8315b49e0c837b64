environment "prod" {
  target = target.kubernetes.cluster

  service "api" {
    memory = "1Gi"
    env    = { LOG_LEVEL = "warn", DEBUG = null }
    scale { min = 2 }
    schedule "nightly" {
      cron   = "0 4 * * *"
      target = target.lambda.functions
    }
    hook "seed" { enabled = false }
  }
}
