from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
handler500 = "config.middleware.server_error"
