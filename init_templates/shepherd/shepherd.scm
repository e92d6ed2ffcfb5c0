(load "@file@")
