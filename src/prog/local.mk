# rensad and rensa
